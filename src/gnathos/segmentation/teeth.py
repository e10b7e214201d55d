"""Single teeth: from the fine network's answer to one number, one confidence and one surface for each."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from gnathos.imaging import Volume
from gnathos.imaging.sampling import interpolate, refine_grid
from gnathos.segmentation.bones import Bones
from gnathos.segmentation.fragments import Fragment, bonds_between, cut_fragments, describe
from gnathos.segmentation.network import CoarseAnatomy
from gnathos.segmentation.normalise import Levels, as_hu
from gnathos.segmentation.numbering import midline_of, number_teeth
from gnathos.segmentation.refine import CoarseShape, cut_out, fill, without_specks
from gnathos.segmentation.roots import RootContrast

Labels = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

LIKELY = 0.5
LEAST_FRAGMENT_MM3 = 8.0
LEAST_TOOTH_MM3 = 50.0
"""Crowns of lower incisors alone have 60."""
LEAST_EXPECTED = 0.3
"""Mean probability of the coarse network in a fragment."""
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
    arches = [_arch(seen, is_upper, expected[is_upper]) for is_upper in (True, False)]
    fragments = [fragment for arch in arches for fragment in arch.fragments]
    midline = midline_of(fragments) if fragments else None
    voxel_mm3 = float(np.prod(seen.grid.spacing_mm))
    for arch in arches:
        numbers = number_teeth(arch.fragments, arch.bonds, arch.is_upper, midline)
        of_fragment = np.array([0, *(number.fdi or 0 for number in numbers)])[arch.labels]
        certain = {number.fdi: number.probability for number in numbers if number.fdi}
        probability = seen.probability("upper_teeth" if arch.is_upper else "lower_teeth")
        for fdi in sorted(certain):
            mask = of_fragment == fdi
            if np.count_nonzero(mask) * voxel_mm3 >= LEAST_TOOTH_MM3:
                label = len(by_fdi) + 1
                labels[mask] = label
                by_fdi[fdi] = Tooth(label, certain[fdi] * float(probability[mask].mean()))
    return ToothMap(labels, by_fdi)


@dataclass(frozen=True)
class _Arch:
    """What may be teeth of one jaw."""

    is_upper: bool
    labels: Labels
    """Of fragments, from one on."""
    fragments: list[Fragment]
    bonds: Floats


def _arch(seen: CoarseAnatomy, is_upper: bool, expected: FloatArray) -> _Arch:
    upper, lower = seen.probability("upper_teeth"), seen.probability("lower_teeth")
    own, other = (upper, lower) if is_upper else (lower, upper)
    mask = (upper + lower > LIKELY) & (own >= other)
    core = seen.probability("tooth_core")
    labels, height = cut_fragments(core, mask)
    labels = _worth_it(labels, expected, LEAST_FRAGMENT_MM3 / float(np.prod(seen.grid.spacing_mm)))
    fragments = describe(labels, core, places_of(seen), seen.grid)
    return _Arch(is_upper, labels, fragments, bonds_between(labels, height, fragments))


def _worth_it(labels: Labels, expected: FloatArray, least: float) -> Labels:
    """The fragments that are large enough and that the coarse network sees, too, numbered from one on."""
    sizes = np.bincount(labels.ravel())
    means = np.bincount(labels.ravel(), weights=expected.ravel()) / np.maximum(sizes, 1)
    kept = (sizes >= least) & (means >= LEAST_EXPECTED)
    kept[0] = False
    return np.where(kept, np.cumsum(kept), 0).astype(np.int32)[labels]


def places_of(seen: CoarseAnatomy) -> FloatArray:
    """Place from the midline that the network gives each voxel, 0.5-8.5; it means something within teeth only."""
    return 0.5 + 8 * seen.probability("tooth_place")


@dataclass(frozen=True)
class ToothEdges:
    """What the surfaces of a scan's teeth are drawn by."""

    scan: Volume
    """Gray values, index axes along the patient's."""
    levels: Levels
    """The scan's own."""
    bones: Bones
    """For the level at which a crown ends."""
    roots: RootContrast
    """For the level at which a root ends."""


def tooth_field(edges: ToothEdges, seen: CoarseAnatomy, teeth: ToothMap, label: int) -> Volume | None:
    """One tooth's surface at the scan's own resolution.

    A crown follows the scan's gray values; a root follows the network, moved by what gray values tell of dentine and
    bone. Where teeth touch, the border is the network's.

    Args:
        edges: of the scan.
        seen: the fine network's answer.
        teeth: from `find_teeth`.
        label: of one of them.

    Returns:
        The field, on a part of the scan's grid, float32, above zero inside; None where nothing is.
    """
    shape = CoarseShape(teeth.labels == label, (teeth.labels > 0) & (teeth.labels != label), seen.grid)
    region = refine_grid(as_hu(cut_out(edges.scan, shape), edges.levels), FINEST_NEEDED_MM)
    near = _cut_grid(seen, region)
    tooth, reach, side = (
        interpolate(near.with_voxels(each), region) for each in _network_terms(seen, teeth, label, near)
    )
    depth = (edges.roots.weigh(tooth, region) - LIKELY) * 2 * HALF_WIDTH_MM
    field = region.voxels
    field -= interpolate(edges.bones.edge, region)
    field /= interpolate(edges.bones.step, region)
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
    """On a part of the fine grid: probability of teeth, how far gray values may reach (mm), and this tooth's side."""
    start = np.rint(seen.grid.indices_at(near.corners_lps_mm[:1])[0]).astype(int)
    window = tuple(slice(a, a + n) for a, n in zip(start, near.shape, strict=True))
    tooth = seen.probability("upper_teeth", "lower_teeth")[window]
    bone = seen.probability("skull", "mandible")[window]
    labels = teeth.labels[window]
    own = ndimage.gaussian_filter((labels == label).astype(np.float32), JOINT_SPREAD)
    others = ndimage.gaussian_filter(((labels > 0) & (labels != label)).astype(np.float32), JOINT_SPREAD)
    reach = REACH_MM * (1 - np.clip(ndimage.gaussian_filter(bone, 1.0) * 3, 0, 1))
    side = np.where(own > 1e-3, (own - others) / np.maximum(own + others, 1e-3), -1)
    return tooth, np.asarray(reach, np.float32), np.asarray(side, np.float32)
