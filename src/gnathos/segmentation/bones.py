"""The bright places of a scan, and which bone each belongs to: looked at once for all bones, on voxels of about 1 mm.

The network tells bones apart where it is sure. From there each bone spreads over bright places, the brightest and
least doubtful first (a watershed), so that bones meet in the darkest seam between them: joint gaps, the bite.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import edt
import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.segmentation import watershed

from gnathos.imaging import Volume
from gnathos.imaging.sampling import block_mean, interpolate, refine_grid
from gnathos.segmentation.network import CoarseAnatomy
from gnathos.segmentation.normalise import as_hu

FloatArray = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

LOWER = ("mandible", "lower_teeth", "canal")
UPPER = ("skull", "upper_teeth")
OTHER = ("other_bone",)
GROUPS = (LOWER, UPPER, OTHER)
"""What is told apart, by the network's classes."""

SPACING_MM = 1.0
LEVEL_SPACING_MM = 3.0
"""Grid of the local gray levels, which vary slowly."""
LEVEL_REACH_MM = 8.0
"""Standard deviation of the window around a place whose gray values count."""
NEAR_MM = 10.0
"""Soft tissue so near to bone is what its edge is measured against."""
BAND_MM = 2.5
BRIGHTEST_HU = 2000.0
"""Enamel and metal count as this bright, or the levels would follow them."""
PEAK_REACH_MM = 2.0
"""The brightest place so near says how bright the bone is at whose edge a place lies."""
EDGE_FRACTION = 0.5
LEAST_EDGE = 0.3
"""Of the contrast between soft tissue and compact bone: no edge lies lower."""
FINE_MM = 1.0
"""Larger voxels show no thin walls, and the brightest place nearby is darkened by them: there edges lie half-way."""
NO_SHELL_MM = 1.5
"""Voxels from this size on do not show the shell of compact bone apart from what it encloses."""
BLURRED, SHARP = 0.545, 0.565
"""Differences over one voxel of a millimetre, as a share of those over two, near bone: scans up to the first show no
such shell, while those from the second on do. A straight slope has 0.5. Scans with voxels of 1.6 mm and more have
0.51-0.56, however finely they are interpolated, those with voxels of up to 0.8 mm 0.57 and more."""
EDGE_SMOOTHING_MM = 1.0
DARKEST_SOFT_HU = -200.0
"""Air counts as this dark, or levels beside the airway would fall into it."""
SURE = 0.6
"""By so much must the network prefer a bone for it to begin to spread there."""
REACH_MM = 6.0
"""How far outside of all that the network took for bone a bright place may still belong to one."""
DOUBT_WEIGHT = 1.0
"""How much the network's doubt counts beside darkness in the search for the seam; both are at most one."""
SEAM_SMOOTHING_MM = 0.7


@dataclass(frozen=True)
class Bones:
    """Gray levels and the parting of one scan's bones."""

    edge: Volume
    """Level at which a bone's surface lies around each place, nearly Hounsfield units."""
    step: Volume
    """How far that is above soft tissue."""
    shell_rise: Volume
    """How many times as far above soft tissue the edge of a compact shell lies."""
    parts: Volume
    """uint8: one more than the place in `GROUPS` of what a bright voxel belongs to, else 0."""
    chances: Sequence[Volume]
    """Probability of each of `GROUPS`, by the networks."""

    @cached_property
    def _distances(self) -> list[FloatArray]:
        """From each voxel to the nearest of each group, millimetres."""
        spacing = tuple(self.parts.spacing_mm)
        return [
            np.minimum(edt.edt(np.ascontiguousarray(self.parts.voxels != number), anisotropy=spacing, parallel=1), 1e3)
            for number in range(1, len(GROUPS) + 1)
        ]

    def chance(self, group: Sequence[str]) -> Volume:
        """Probability of a group."""
        return self.chances[GROUPS.index(tuple(group))]

    def side(self, group: Sequence[str]) -> Volume:
        """How much nearer a place is to a group than to the others; millimetres, 0 half-way."""
        own = GROUPS.index(tuple(group))
        others = np.minimum.reduce([each for number, each in enumerate(self._distances) if number != own])
        nearer = np.clip((others - self._distances[own]) / 2, -20, 20)
        sigma = SEAM_SMOOTHING_MM / self.parts.spacing_mm
        return self.parts.with_voxels(ndimage.gaussian_filter(nearer.astype(np.float32), sigma, truncate=3))


def find_bones(scan: Volume, coarse: CoarseAnatomy, fine: CoarseAnatomy | None = None) -> Bones:
    """Measure levels and part the bones.

    Args:
        scan: gray values of any scale; index axes along the patient's.
        coarse: the network's answer.
        fine: the answer of the one that sees the jaws alone, where it is to be trusted.
    """
    factors = np.maximum(1, np.floor(SPACING_MM / scan.spacing_mm + 0.2)).astype(int)
    small = refine_grid(as_hu(block_mean(scan, factors), coarse.levels), SPACING_MM)
    chances = [coarse.probability(*group) for group in GROUPS]
    taken = np.maximum.reduce(chances) > 0.5
    depth = interpolate(coarse.grid.with_voxels(signed_distance_mm(taken, coarse.grid)), small)
    teeth = interpolate(coarse.grid.with_voxels(coarse.probability("upper_teeth", "lower_teeth")), small) > 0.5
    voxel_mm = float(scan.spacing_mm.max())
    soft, bone, shell = _levels(small, depth, teeth, voxel_mm)
    edge = _edge(small, soft, bone, voxel_mm)
    brightness = (small.voxels - soft) / (bone - soft)
    on_grid = [interpolate(coarse.grid.with_voxels(chance), small) for chance in chances]
    if fine is not None:
        _hear_both(on_grid, small, fine)
    parts = _part(brightness, depth, on_grid)
    told = [small.with_voxels(chance) for chance in on_grid]
    of = small.with_voxels
    return Bones(of(edge), of(edge - soft), of((shell - soft) / (bone - soft)), of(parts), told)


def _hear_both(chances: Sequence[FloatArray], small: Volume, fine: CoarseAnatomy) -> None:
    """Take the mean of both networks for what both know, where both have looked."""
    low, high = small.indices_at(fine.grid.corners_lps_mm)
    start = np.clip(np.ceil(low), 0, small.shape).astype(int)
    part = small.crop(start, np.clip(np.floor(high) + 1, start, small.shape))
    window = tuple(slice(a, a + n) for a, n in zip(start, part.shape, strict=True))
    for chance, group in zip(chances, GROUPS, strict=True):
        if group != OTHER:
            chance[window] += interpolate(fine.grid.with_voxels(fine.probability(*group)), part)
            chance[window] /= 2


def signed_distance_mm(mask: Mask, grid: Volume) -> FloatArray:
    """Distance to the mask's border, positive inside; the field of view's border is none."""
    spacing = tuple(grid.spacing_mm)
    inside = edt.edt(np.ascontiguousarray(mask), anisotropy=spacing, black_border=False, parallel=1)
    outside = edt.edt(np.ascontiguousarray(~mask), anisotropy=spacing, black_border=False, parallel=1)
    half = float(grid.spacing_mm.mean()) / 2  # edt measures between voxel centres, the border lies between them
    distance = np.where(mask, inside - half, half - outside)
    return np.asarray(np.nan_to_num(distance, posinf=1e3, neginf=-1e3), np.float32)


def _levels(
    small: Volume, depth: FloatArray, teeth: Mask, voxel_mm: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Levels of soft tissue, of bright bone and of compact shells around each place."""
    gray = np.clip(small.voxels, DARKEST_SOFT_HU, BRIGHTEST_HU)
    split = otsu(gray[depth > -2 * BAND_MM])
    soft = (gray < split) & (depth < 0) & (depth > -NEAR_MM) & (gray > DARKEST_SOFT_HU)
    bone = (gray > split) & (depth > -BAND_MM)
    bone = bone & ~teeth if (bone & ~teeth).sum() > bone.sum() / 10 else bone
    bright = bone & (gray > np.median(gray[bone])) if bone.any() else bone
    soft_level, bone_level = _windowed_mean(small, gray, soft), _windowed_mean(small, gray, bright)
    shows_shell = _sharpness(gray, np.abs(depth) < BAND_MM)
    shows_shell = min(shows_shell, np.float32(np.interp(voxel_mm, (FINE_MM, NO_SHELL_MM), (1, 0))))
    shell_level = bone_level + shows_shell * (_shell_level(small, gray, bone, bone_level) - bone_level)
    return soft_level, np.maximum(bone_level, soft_level + 1), np.maximum(shell_level, soft_level + 1)


def _sharpness(gray: FloatArray, near: Mask) -> np.float32:
    """From nought, where the scan is too blurred to show a bone's shell, to one.

    Voxels may be small in a blurred scan: it may have been interpolated.
    """
    one, two = (_differences(gray, near, lag) for lag in (1, 2))
    return np.float32(np.interp(one / two if two else 1.0, (BLURRED, SHARP), (0, 1)))


def _differences(gray: FloatArray, near: Mask, lag: int) -> float:
    """Root mean square of the differences over so many voxels along the axes."""
    squares, count = 0.0, 0
    for axis in range(3):
        values, places = np.moveaxis(gray, axis, 0), np.moveaxis(near, axis, 0)
        rises = (values[lag:] - values[:-lag])[places[:-lag]]
        squares += float(np.dot(rises, rises))
        count += rises.size
    return float(np.sqrt(squares / max(count, 1)))


def _shell_level(small: Volume, gray: FloatArray, bone: Mask, bone_level: FloatArray) -> FloatArray:
    """How bright the compact bone at the surface is, in a scan that is sharp enough to show it.

    A shell a millimetre thick is darkened wherever voxels of a millimetre mix it with what lies beside it: what is
    brighter than the mean of the bright half, twice over, comes near to its own value.
    """
    shell = bone_level
    for _ in range(2):
        shell = np.maximum(shell, _windowed_mean(small, gray, bone & (gray > shell)))
    return shell


def _windowed_mean(small: Volume, gray: FloatArray, mask: Mask) -> FloatArray:
    """Mean of the masked gray values around each place; far from any of them, their overall mean."""
    factors = np.maximum(1, np.round(LEVEL_SPACING_MM / small.spacing_mm)).astype(int)
    overall = float(gray[mask].mean()) if mask.any() else float(gray.mean())
    share = block_mean(small.with_voxels(mask.astype(np.float32)), factors)
    total = block_mean(small.with_voxels(np.where(mask, gray - overall, 0).astype(np.float32)), factors)
    sigma = LEVEL_REACH_MM / share.spacing_mm
    weight = ndimage.gaussian_filter(share.voxels, sigma, truncate=2.5)
    summed = ndimage.gaussian_filter(total.voxels, sigma, truncate=2.5)
    return interpolate(share.with_voxels((overall + summed / (weight + 1e-3)).astype(np.float32)), small)


def _edge(small: Volume, soft: FloatArray, bone: FloatArray, voxel_mm: float) -> FloatArray:
    """Half-way up from what is around to the brightest place nearby: where blur leaves an edge, thin walls included.

    Around it is soft tissue, or air. No higher than half-way to compact bone, or bone beside enamel would be lost; no
    lower than a part of that, or noise, and the mucosa between bone and air, would be bone.
    """
    size = np.maximum(3, 2 * np.round(PEAK_REACH_MM / small.spacing_mm).astype(int) + 1)
    smooth = ndimage.gaussian_filter(small.voxels, 0.5 / small.spacing_mm, truncate=3)
    peak = ndimage.maximum_filter(smooth, tuple(size))
    dark = np.minimum(ndimage.minimum_filter(smooth, 3) - soft, 0)
    contrast = bone - soft
    least = float(np.interp(voxel_mm, (FINE_MM, 2 * FINE_MM), (LEAST_EDGE, EDGE_FRACTION)))
    rise = np.clip(EDGE_FRACTION * (peak - soft + dark), least * contrast, EDGE_FRACTION * contrast)
    sigma = EDGE_SMOOTHING_MM / small.spacing_mm
    return np.asarray(soft + ndimage.gaussian_filter(rise.astype(np.float32), sigma, truncate=3), np.float32)


def otsu(values: npt.NDArray[np.float32]) -> float:
    """The threshold that parts values into the two most even groups (Otsu 1979)."""
    if values.size < 2 or np.ptp(values) == 0:
        return float(values[0]) if values.size else 0.0
    counts, edges = np.histogram(values, bins=256)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sum_below = np.cumsum(counts * centres)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = sum_below / below - (sum_below[-1] - sum_below) / above
        spread = below * above * apart**2
    return float(edges[1:][np.nanargmax(spread[:-1])])


LEAST_BRIGHTNESS = 0.35
"""Of the contrast between soft tissue and bone: darker places belong to no bone, and seams run through them."""


def _part(brightness: FloatArray, depth: FloatArray, chances: Sequence[FloatArray]) -> npt.NDArray[np.uint8]:
    """Spread each group from where the network is sure of it over the bright places near to bone."""
    ranked = np.sort(np.stack(chances), axis=0)
    lead = ranked[-1] - ranked[-2]
    first = np.argmax(np.stack(chances), axis=0).astype(np.uint8) + 1
    open_to_all = (brightness > LEAST_BRIGHTNESS) & (depth > -REACH_MM)
    sure = lead > SURE
    smooth = ndimage.gaussian_filter(np.clip(brightness, 0, 1.5), 0.5)
    height = -np.minimum(smooth, 1) - DOUBT_WEIGHT * lead
    markers = np.where(sure & open_to_all, first, 0)
    return np.asarray(watershed(height, markers.astype(np.int32), mask=open_to_all), np.uint8)
