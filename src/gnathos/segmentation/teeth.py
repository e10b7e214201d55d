"""Single teeth: from the fine network's answer to one number, one confidence and one surface for each."""

from collections.abc import Mapping
from dataclasses import dataclass

import cc3d
import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.signal import find_peaks
from scipy.spatial import KDTree
from skimage.segmentation import watershed

from gnathos.imaging import Volume
from gnathos.imaging.sampling import interpolate, refine_grid
from gnathos.segmentation.bones import Bones
from gnathos.segmentation.network import CoarseAnatomy
from gnathos.segmentation.normalise import Levels, as_hu
from gnathos.segmentation.numbering import SeenTooth, find_midline, number_teeth
from gnathos.segmentation.refine import CoarseShape, cut_out, fill, without_specks

Labels = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

LIKELY = 0.5
CORE_LEVELS = (0.5, 0.7, 0.85, 0.95)
"""A core that falls apart at a higher level was of two teeth that touch."""
PROFILE_MM, PROFILE_SMOOTHING_MM = 0.5, 0.7
LEAST_WIDTH_MM = 3.5
"""Of a tooth along the arch."""
WAIST = 0.85
"""Teeth meet where there is less of them than this share of what is on either side."""
ARCH_BINS, ARCH_BEHIND_MM = 50, 20.0
MOST_SPREAD = 0.75
"""Of places within one tooth."""
NEAR_PLACE = 0.3
MIDDLE_APART = 4.0
"""Teeth of the same place on either side are at least so many voxels apart for each place from the midline."""
LEAST_CORE_MM3, LEAST_SPLIT_MM3 = 8.0, 12.0
LEAST_TOOTH_MM3 = 50.0
"""Crowns of lower incisors alone have 60."""
LEAST_EXPECTED = 0.3
"""Mean probability of the coarse network in a tooth."""
SAME_TOOTH_MM = 3.2
"""Pieces above one another and no further apart than this in the plane of the bite are one tooth."""
SAME_PLACE = 0.7
JOINT_SPREAD = 0.7
"""In voxels: how soft the border between neighbouring teeth is."""
HALF_WIDTH_MM = 0.8
"""Distance over which the network's probability rises from none to sure, halved: a voxel of its grid."""
REACH_MM = 0.5
"""How far outside the network's border a crown may reach, where the scan is bright enough; roots not at all."""
INSIDE_MM = 0.5
"""So deep inside the network's border everything is tooth: pulp, decay and root canals too."""
FINEST_NEEDED_MM = 0.7


@dataclass(frozen=True)
class Tooth:
    """One tooth of a scan."""

    label: int
    """In the tooth map."""
    probability: float
    """That it is a tooth and has this number."""


@dataclass(frozen=True)
class ToothMap:
    """All teeth of a scan on the fine network's grid."""

    labels: Labels
    """(slices, rows, columns) 0 where no tooth is, else a number for each."""
    by_fdi: Mapping[int, Tooth]


def find_teeth(seen: CoarseAnatomy, expected: Mapping[bool, FloatArray]) -> ToothMap:
    """Tell the teeth apart and number them.

    Args:
        seen: the fine network's answer, index axes along the patient's.
        expected: on its grid, for the upper jaw (true) and the lower, the coarse network's probability of teeth; what
            it does not see at all is no tooth.
    """
    labels = np.zeros(seen.grid.shape, np.int32)
    by_fdi: dict[int, Tooth] = {}
    arches = {is_upper: _expected(_teeth_of_arch(seen, is_upper), expected[is_upper]) for is_upper in (True, False)}
    instances = {is_upper: _describe(arch, seen) for is_upper, arch in arches.items()}
    midline = _common_midline([tooth for arch in instances.values() for tooth in arch.values()])
    for is_upper, arch in arches.items():
        names = list(instances[is_upper])
        numbers = number_teeth([instances[is_upper][name] for name in names], is_upper, midline)
        probability = seen.probability("upper_teeth" if is_upper else "lower_teeth")
        for name, number in zip(names, numbers, strict=True):
            label = len(by_fdi) + 1
            mask = arch == name
            if number.fdi is not None and number.fdi not in by_fdi:
                labels[mask] = label
                by_fdi[number.fdi] = Tooth(label, number.probability * float(probability[mask].mean()))
    return ToothMap(labels, by_fdi)


def _expected(labels: Labels, probability: FloatArray) -> Labels:
    """The instances that the coarse network sees, too."""
    sizes = np.bincount(labels.ravel())
    means = np.bincount(labels.ravel(), weights=probability.ravel()) / np.maximum(sizes, 1)
    means[0] = 1
    return np.where(means[labels] >= LEAST_EXPECTED, labels, 0).astype(np.int32)


def _teeth_of_arch(seen: CoarseAnatomy, is_upper: bool) -> Labels:
    """Instances of one jaw, numbered in no order."""
    upper, lower = seen.probability("upper_teeth"), seen.probability("lower_teeth")
    own, other = (upper, lower) if is_upper else (lower, upper)
    mask = (upper + lower > LIKELY) & (own >= other)
    core = np.where(mask, seen.probability("tooth_core"), np.float32(0))
    voxel_mm3 = float(np.prod(seen.grid.spacing_mm))
    markers = split_cores(core, LEAST_CORE_MM3 / voxel_mm3, LEAST_SPLIT_MM3 / voxel_mm3)
    if not markers.any():
        return markers
    markers = split_along_arch(markers, core, float(seen.grid.spacing_mm.mean()), LEAST_CORE_MM3 / voxel_mm3)
    markers = split_by_place(markers, places_of(seen), LEAST_SPLIT_MM3 / voxel_mm3)
    labels = np.asarray(watershed(-core, markers, mask=mask), np.int32)
    labels = _joined(labels, seen)
    sizes = np.bincount(labels.ravel()) * voxel_mm3
    labels[(sizes < LEAST_TOOTH_MM3)[labels]] = 0
    return labels


def split_cores(core: FloatArray, least: float, least_split: float) -> Labels:
    """Connected pieces of cores, split further where a higher level parts them into several large ones.

    Args:
        core: (slices, rows, columns) probability of lying within a tooth.
        least: voxels of a piece that counts.
        least_split: voxels of each part for a split to count.
    """
    pieces = _pieces(core > CORE_LEVELS[0], least)
    for level in CORE_LEVELS[1:]:
        parts = _pieces((core > level) & (pieces > 0), least_split)
        owners = pieces[parts > 0]
        pairs = np.unique(np.stack([owners, parts[parts > 0]]), axis=1)
        several = [piece for piece in np.unique(pairs[0]) if (pairs[0] == piece).sum() > 1]
        for piece in several:
            inside = pieces == piece
            pieces[inside] = 0
            for part in pairs[1][pairs[0] == piece]:
                pieces[parts == part] = pieces.max() + 1
    return pieces


def split_along_arch(pieces: Labels, core: FloatArray, spacing_mm: float, least: float) -> Labels:
    """Pieces cut where the row of teeth is waisted: teeth are narrow where they meet.

    The arch is unrolled about a point behind it; where the amount of core along it has a deep minimum, teeth meet.

    Args:
        pieces: (slices, rows, columns) cores of one jaw's teeth; rows run to the back, columns to the left.
        core: probability of lying within a tooth.
        spacing_mm: edge of the voxels.
        least: voxels of each part.
    """
    places = np.argwhere(pieces > 0)
    along_mm = _along_arch(places.astype(np.float64) * spacing_mm)
    bins = (along_mm / PROFILE_MM).astype(int)
    weights = core[pieces > 0]
    profile = ndimage.gaussian_filter1d(np.bincount(bins, weights=weights), PROFILE_SMOOTHING_MM / PROFILE_MM)
    cuts = waists(profile, round(LEAST_WIDTH_MM / PROFILE_MM))
    segment = np.searchsorted(cuts, bins)
    parts = np.zeros_like(pieces)
    parts[tuple(places.T)] = pieces[tuple(places.T)] * (len(cuts) + 1) + segment
    cut = np.zeros_like(pieces)
    for value in np.unique(parts[parts > 0]):
        part = _pieces(parts == value, least)
        cut[part > 0] = part[part > 0] + cut.max()
    return cut


def _along_arch(places_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How far along the arch, from the patient's right, each place lies.

    Args:
        places_mm: (n, 3) slice, row, column.
    """
    rows, columns = places_mm[:, 1], places_mm[:, 2]
    middle, behind = (columns.min() + columns.max()) / 2, rows.max() + ARCH_BEHIND_MM
    angle = np.arctan2(columns - middle, behind - rows)
    edges = np.linspace(angle.min(), angle.max() + 1e-6, ARCH_BINS + 1)
    number = np.digitize(angle, edges) - 1
    counts = np.bincount(number, minlength=ARCH_BINS)
    known = np.flatnonzero(counts)
    curve = [
        ndimage.gaussian_filter1d(np.bincount(number, weights=line, minlength=ARCH_BINS)[known] / counts[known], 2)
        for line in (rows, columns)
    ]
    length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(curve[0]), np.diff(curve[1])))])
    along = np.arange(0, length[-1] + 1e-6, PROFILE_MM / 2)
    dense = np.stack([np.interp(along, length, line) for line in curve], axis=-1)
    return np.asarray(along[KDTree(dense).query(places_mm[:, 1:])[1]])


def waists(profile: npt.NDArray[np.float64], least_apart: int) -> npt.NDArray[np.intp]:
    """Places of a profile that are low between higher ones on either side, deepest first, no two too near.

    Args:
        profile: (n,) amount along the arch.
        least_apart: least distance between two.
    """
    minima, _ = find_peaks(-profile, distance=least_apart)
    left = [profile[max(0, at - 2 * least_apart) : at + 1].max() for at in minima]
    right = [profile[at : at + 2 * least_apart + 1].max() for at in minima]
    lower = np.minimum(left, right) if len(minima) else np.empty(0)
    return np.asarray(minima[profile[minima] < WAIST * lower])


def split_by_place(pieces: Labels, places: FloatArray, least: float) -> Labels:
    """Pieces that run over several places, parted into one for each place and side.

    Args:
        pieces: (slices, rows, columns) cores of teeth; columns run to the left.
        places: from the midline, 0.5-8.5.
        least: voxels of each part.
    """
    parted = np.zeros_like(pieces)
    columns = np.broadcast_to(np.arange(pieces.shape[2]), pieces.shape)
    from_middle = columns - _middle_column(columns[pieces > 0], places[pieces > 0])
    parted = np.zeros_like(pieces)
    for piece in np.unique(pieces[pieces > 0]):
        inside = pieces == piece
        parts = inside.astype(np.int32)
        if _is_of_several(places[inside], from_middle[inside]):
            several = _parts_by_place(inside, places, from_middle, least)
            parts = several if several.any() else parts
        parted[parts > 0] = parts[parts > 0] + parted.max()
    return parted


def _is_of_several(places: FloatArray, from_middle: npt.NDArray[np.float64]) -> bool:
    low, high = np.percentile(places, (5, 95))
    return bool(high - low > MOST_SPREAD or 0.25 < (from_middle > 0).mean() < 0.75)


def _parts_by_place(inside: Mask, places: FloatArray, from_middle: npt.NDArray[np.float64], least: float) -> Labels:
    """Markers in the middles of the places, the first ones of either side apart."""
    parts = np.zeros(inside.shape, np.int32)
    for place in range(1, 9):
        near = inside & (np.abs(places - place) < NEAR_PLACE)
        for side in (near & (from_middle > 0.5), near & (from_middle < -0.5)):
            found = _pieces(side, least)
            parts[found > 0] = found[found > 0] + parts.max()
    return parts


def _middle_column(columns: npt.NDArray[np.intp], places: FloatArray) -> np.float64:
    """Column of the midline: half-way between what has the same place on either side."""
    middles = []
    for place in range(1, 9):
        here = columns[np.abs(places - place) < 0.5]
        if here.size < 20:
            continue
        cut = (here.min() + here.max()) / 2
        right, left = here[here <= cut], here[here > cut]
        if min(left.size, right.size) > 0.2 * here.size and left.mean() - right.mean() > MIDDLE_APART * place:
            middles.append((left.mean() + right.mean()) / 2)
    first = columns[places < 1.6]
    return np.float64(np.median(middles) if middles else first.mean() if first.size else -1.0)


def _pieces(mask: Mask, least: float) -> Labels:
    labels = cc3d.connected_components(mask, connectivity=6).astype(np.int32)
    small = np.bincount(labels.ravel()) < least
    labels[small[labels]] = 0
    return np.asarray(labels, np.int32)


def places_of(seen: CoarseAnatomy) -> FloatArray:
    """Place from the midline that the network gives each voxel, 0.5-8.5; it means something within teeth only."""
    return 0.5 + 8 * seen.probability("tooth_place")


def _describe(labels: Labels, seen: CoarseAnatomy) -> dict[int, SeenTooth]:
    """Centre and place of each instance."""
    names = [int(name) for name in np.unique(labels) if name]
    places = places_of(seen)
    centres = ndimage.center_of_mass(labels > 0, labels, names) if names else []
    lps = seen.grid.points_lps_mm(np.array(centres, float).reshape(-1, 3))
    means = ndimage.mean(places, labels, names) if names else []
    return {
        name: SeenTooth((float(x), float(y), float(z)), float(place))
        for name, (x, y, z), place in zip(names, lps, means, strict=True)
    }


def _common_midline(teeth: list[SeenTooth]) -> float | None:
    if not teeth:
        return None
    return find_midline(np.array([tooth.centre_lps_mm[0] for tooth in teeth]), np.array([t.place for t in teeth]))


def _joined(labels: Labels, seen: CoarseAnatomy) -> Labels:
    """Crowns joined with roots that the network parted from them."""
    teeth = _describe(labels, seen)
    touching = _contacts(labels)
    for first, second in touching:
        one, other = teeth[first], teeth[second]
        apart = np.subtract(one.centre_lps_mm, other.centre_lps_mm)
        is_same = np.hypot(apart[0], apart[1]) < SAME_TOOTH_MM and abs(one.place - other.place) < SAME_PLACE
        if is_same and abs(apart[2]) > np.hypot(apart[0], apart[1]):
            labels[labels == max(first, second)] = min(first, second)
    return labels


def _contacts(labels: Labels) -> list[tuple[int, int]]:
    """Pairs of instances that share a face, the later ones first so that joining them in turn is safe."""
    pairs: set[tuple[int, int]] = set()
    for axis in range(3):
        ahead = np.moveaxis(labels, axis, 0)
        one, other = ahead[1:].ravel(), ahead[:-1].ravel()
        meet = (one != other) & (one > 0) & (other > 0)
        pairs |= {(int(min(a, b)), int(max(a, b))) for a, b in zip(one[meet], other[meet], strict=True)}
    return sorted(pairs, key=lambda pair: -pair[1])


def tooth_field(
    scan: Volume, levels: Levels, bones: Bones, seen: CoarseAnatomy, teeth: ToothMap, label: int
) -> Volume | None:
    """One tooth's surface at the scan's own resolution.

    A crown follows the scan's gray values, a root the network: dentine and bone are nearly the same to X-rays. Where
    teeth touch, the border is the network's.

    Args:
        scan: gray values, index axes along the patient's.
        levels: the scan's own.
        bones: of the scan, for the level at which a crown ends.
        seen: the fine network's answer.
        teeth: from `find_teeth`.
        label: of one of them.

    Returns:
        The field, on a part of the scan's grid, float32, above zero inside; None where nothing is.
    """
    shape = CoarseShape(teeth.labels == label, (teeth.labels > 0) & (teeth.labels != label), seen.grid)
    region = refine_grid(as_hu(cut_out(scan, shape), levels), FINEST_NEEDED_MM)
    near = _cut_grid(seen, region)
    field = region.voxels
    field -= interpolate(bones.edge, region)
    field /= interpolate(bones.step, region)
    depth, reach, side = (
        interpolate(near.with_voxels(each), region) for each in _network_terms(seen, teeth, label, near)
    )
    np.minimum(field, depth + reach, out=field)
    np.maximum(field, depth - INSIDE_MM, out=field)
    np.minimum(field, side, out=field)
    np.clip(field, -1, 1, out=field)
    return fill(without_specks(region))


def _cut_grid(seen: CoarseAnatomy, region: Volume) -> Volume:
    """The part of the fine grid around a region, with a margin for smoothing."""
    corners = np.sort(seen.grid.indices_at(region.corners_lps_mm), axis=0)
    start = np.clip(np.floor(corners[0]) - 3, 0, np.array(seen.grid.shape) - 1).astype(int)
    stop = np.clip(np.ceil(corners[1]) + 4, start + 1, seen.grid.shape).astype(int)
    return seen.grid.crop(start, stop)


def _network_terms(
    seen: CoarseAnatomy, teeth: ToothMap, label: int, near: Volume
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """On a part of the fine grid: depth inside teeth (mm), how far gray values may reach, and this tooth's side."""
    start = np.rint(seen.grid.indices_at(near.corners_lps_mm[:1])[0]).astype(int)
    window = tuple(slice(a, a + n) for a, n in zip(start, near.shape, strict=True))
    tooth = seen.probability("upper_teeth", "lower_teeth")[window]
    bone = seen.probability("skull", "mandible")[window]
    labels = teeth.labels[window]
    own = ndimage.gaussian_filter((labels == label).astype(np.float32), JOINT_SPREAD)
    others = ndimage.gaussian_filter(((labels > 0) & (labels != label)).astype(np.float32), JOINT_SPREAD)
    depth = (tooth - LIKELY) * 2 * HALF_WIDTH_MM
    reach = REACH_MM * (1 - np.clip(ndimage.gaussian_filter(bone, 1.0) * 3, 0, 1))
    side = np.where(own > 1e-3, (own - others) / np.maximum(own + others, 1e-3), -1)
    return depth, np.asarray(reach, np.float32), np.asarray(side, np.float32)
