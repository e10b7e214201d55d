"""From the network's coarse answer to a surface that follows the scan's own gray values.

A structure's surface is the zero level of a field made of three parts, each positive inside:

- *gray*: the scan minus a threshold half-way between the soft tissue and the bone found nearby;
- *side*: how much nearer to this structure than to its rivals a place is, by the network;
- *core*: places so deep inside the coarse shape that they belong to it whatever their gray (cancellous bone).
"""

from dataclasses import dataclass

import cc3d
import edt
import fill_voids
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from gnathos.imaging import Volume
from gnathos.imaging.sampling import block_mean, interpolate, refine_grid
from gnathos.segmentation.normalise import Levels

FloatArray = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

BAND_MM = 2.5
"""How far outside the coarse shape bone may still belong to it."""
CORE_MM = 2.0
"""How deep inside the coarse shape everything belongs to it."""
FINEST_NEEDED_MM = 1.0
"""Gray values of larger voxels are interpolated first: levels between them are smoother than between two answers."""
MARGIN_MM = 6.0
"""What is cut out around a structure."""
STATISTICS_SPACING_MM = 1.0
"""Grid on which local gray statistics are gathered."""
STATISTICS_REACH_MM = 8.0
"""Standard deviation of the window around a place whose gray values count."""
EDGE_FRACTION = 0.45
"""Where between soft tissue and bone the surface lies; a little under one half keeps thin walls."""
BRIGHTEST_BONE_HU = 2000.0
"""Enamel and metal count as this bright, or the threshold would follow them."""
HU_PER_UNIT = 2000.0
"""What one unit of the normalised scale is in a calibrated scan."""
AIR_EDGE_HU = -480.0
"""Half-way between air and soft tissue."""
AIR_CONTRAST_HU = 1040.0
SKIN_SPACING_MM = 0.6
SKIN_BAND_MM = 4.0
"""Noses, ears and lips are finer than the network's grid."""
DARKEST_SOFT_HU = -200.0
"""Air counts as this dark, or the threshold beside the airway would fall into it."""


@dataclass(frozen=True)
class CoarseShape:
    """One structure on the coarse grid."""

    mask: Mask
    """Its voxels."""
    rivals: Mask
    """Voxels of what it must not run into."""
    grid: Volume
    """Only the affine and shape are read."""


def refine_bone(scan: Volume, levels: Levels, shape: CoarseShape) -> Volume | None:
    """Find a bone's surface at the scan's own resolution.

    Args:
        scan: gray values of any scale; index axes along the patient's.
        levels: the scan's own levels.
        shape: where the network saw it.

    Returns:
        The field, on a part of the scan's grid, float32, about -1 to 1; None where nothing is bright enough.
    """
    region = refine_grid(_as_hu(_cut_out(scan, shape), levels), FINEST_NEEDED_MM)
    depth = _signed_distance_mm(shape.mask, shape.grid)
    threshold, contrast = _local_threshold(region, shape, depth)
    field = region.voxels
    field -= interpolate(threshold, region)
    field /= contrast / 2
    depth_here = _confine(region, shape, depth, BAND_MM)
    np.maximum(field, (depth_here - CORE_MM) / 2, out=field)
    np.clip(field, -1, 1, out=field)
    return _fill(_without_specks(region))


def refine_air(scan: Volume, levels: Levels, shape: CoarseShape) -> Volume | None:
    """Find the surface of an air-filled space; see `refine_bone`.

    The level lies half-way between air and soft tissue; fluid and thickened mucosa count as outside.
    """
    region = refine_grid(_as_hu(_cut_out(scan, shape), levels), FINEST_NEEDED_MM)
    field = region.voxels
    field -= AIR_EDGE_HU
    field /= -AIR_CONTRAST_HU / 2
    _confine(region, shape, _signed_distance_mm(shape.mask, shape.grid), BAND_MM)
    np.clip(field, -1, 1, out=field)
    return _without_specks(region)


def refine_body(scan: Volume, levels: Levels, shape: CoarseShape) -> Volume | None:
    """Find the skin and what it encloses, airways included, on voxels of about 0.6 mm; see `refine_bone`."""
    factors = np.maximum(1, np.floor(SKIN_SPACING_MM / scan.spacing_mm + 1e-6)).astype(int)
    coarser = block_mean(scan, factors)
    region = refine_grid(_as_hu(_cut_out(coarser, shape), levels), FINEST_NEEDED_MM)
    field = region.voxels
    field -= AIR_EDGE_HU
    field /= AIR_CONTRAST_HU / 2
    _confine(region, shape, _signed_distance_mm(shape.mask, shape.grid), SKIN_BAND_MM)
    np.clip(field, -1, 1, out=field)
    return _fill(_without_specks(region))


def _confine(region: Volume, shape: CoarseShape, depth: FloatArray, band_mm: float) -> FloatArray:
    """Lower a region's field outside a band around the coarse shape and on its rivals' side; returns the depth."""
    field = region.voxels
    depth_here = interpolate(shape.grid.with_voxels(depth), region)
    np.minimum(field, depth_here + band_mm, out=field)
    if shape.rivals.any():
        rivals = _signed_distance_mm(shape.rivals, shape.grid)
        np.minimum(field, interpolate(shape.grid.with_voxels(depth - rivals), region), out=field)
    return depth_here


def _cut_out(scan: Volume, shape: CoarseShape) -> Volume:
    places = np.argwhere(shape.mask)
    corners = shape.grid.points_lps_mm([places.min(axis=0) - 0.5, places.max(axis=0) + 0.5])
    indices = np.sort(scan.indices_at(corners), axis=0)
    margin = MARGIN_MM / scan.spacing_mm
    start = np.clip(np.floor(indices[0] - margin), 0, np.array(scan.shape) - 1).astype(int)
    stop = np.clip(np.ceil(indices[1] + margin) + 1, start + 1, scan.shape).astype(int)
    return scan.crop(start, stop)


def _as_hu(region: Volume, levels: Levels) -> Volume:
    """Gray values on nearly the Hounsfield scale, whatever the scanner's own."""
    voxels = levels.normalise(region.voxels)
    voxels *= HU_PER_UNIT
    return region.with_voxels(voxels)


def _signed_distance_mm(mask: Mask, grid: Volume) -> FloatArray:
    """Distance to the mask's border, positive inside; the field of view's border is none."""
    spacing = tuple(grid.spacing_mm)
    inside = edt.edt(np.ascontiguousarray(mask), anisotropy=spacing, black_border=False, parallel=1)
    outside = edt.edt(np.ascontiguousarray(~mask), anisotropy=spacing, black_border=False, parallel=1)
    half = float(grid.spacing_mm.mean()) / 2  # edt measures between voxel centres, the border lies between them
    distance = np.where(mask, inside - half, half - outside)
    return np.asarray(np.nan_to_num(distance, posinf=1e3, neginf=-1e3), np.float32)


def _local_threshold(region: Volume, shape: CoarseShape, depth: FloatArray) -> tuple[Volume, float]:
    """Gray level of the surface, varying over the region, and the contrast it stands in."""
    factors = np.maximum(1, np.round(STATISTICS_SPACING_MM / region.spacing_mm)).astype(int)
    small = block_mean(region, factors)
    near = interpolate(shape.grid.with_voxels(depth), small)
    gray = np.clip(small.voxels, DARKEST_SOFT_HU, BRIGHTEST_BONE_HU)
    split = _otsu(gray[(near > -BAND_MM * 2)])
    soft = (gray < split) & (near < 0) & (near > -10) & (gray > DARKEST_SOFT_HU)
    bone = (gray > split) & (near > -BAND_MM)
    soft_level = _windowed_mean(gray, soft, small.spacing_mm)
    bone_level = _windowed_mean(gray, bone, small.spacing_mm)
    level = soft_level + EDGE_FRACTION * (bone_level - soft_level)
    contrast = float(np.median(bone_level - soft_level))
    return small.with_voxels(level.astype(np.float32)), max(contrast, 1.0)


def _windowed_mean(gray: FloatArray, mask: Mask, spacing_mm: npt.NDArray[np.float64]) -> FloatArray:
    """Mean of the masked gray values around each place; far from any of them, their overall mean."""
    if not mask.any():
        return np.full(gray.shape, gray.mean(), np.float32)
    sigma = STATISTICS_REACH_MM / spacing_mm
    overall = float(gray[mask].mean())
    weight = ndimage.gaussian_filter(mask.astype(np.float32), sigma, truncate=2.5)
    total = ndimage.gaussian_filter(np.where(mask, gray - overall, 0).astype(np.float32), sigma, truncate=2.5)
    return np.asarray(overall + total / (weight + 1e-3), np.float32)


def _otsu(values: npt.NDArray[np.float32]) -> float:
    """The threshold that parts values into the two most even groups (Otsu 1979)."""
    counts, edges = np.histogram(values, bins=256)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sum_below = np.cumsum(counts * centres)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = sum_below / below - (sum_below[-1] - sum_below) / above
        spread = below * above * apart**2
    return float(edges[1:][np.nanargmax(spread[:-1])])


SMALLEST_PART = 0.02
"""Pieces below this share of the largest are noise."""


def _without_specks(field: Volume) -> Volume | None:
    """Drop pieces that are small beside the largest; None where nothing is inside."""
    mask = field.voxels > 0
    pieces = cc3d.connected_components(mask, connectivity=6)
    sizes = np.bincount(pieces.ravel())
    if len(sizes) < 2:
        return None
    sizes[0] = 0
    dropped = sizes < max(SMALLEST_PART * sizes.max(), 1)
    dropped[0] = False
    field.voxels[dropped[pieces]] = -1
    return field


def _fill(field: Volume | None) -> Volume | None:
    """Fill enclosed holes."""
    if field is None:
        return None
    mask = field.voxels > 0
    solid = fill_voids.fill(mask, in_place=False).astype(bool)
    field.voxels[solid & ~mask] = 1
    return field
