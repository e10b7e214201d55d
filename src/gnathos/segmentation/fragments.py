"""Pieces of teeth: what the fine network's answer falls into before it is known which pieces are one tooth.

Teeth that touch run together in the network's answer, and large ones fall apart into roots and cusps. The answer is cut
wherever it has a waist, rather too often than too seldom; which pieces belong together is decided with their numbers
(`numbering`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import KDTree
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

from gnathos.imaging import Volume

Labels = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SMOOTHING, LEAST_APART, LEAST_PEAK = 0.7, 2, 0.3
"""Of the peaks of cores, the first two in voxels."""
BOND = (4.2, 0.5, -3.5, -0.6)
"""Log-odds that two touching fragments are one tooth: constant, height of the saddle between them as a share of the
lower peak, difference of places, distance in the plane of the bite in mm. Rounded from a logistic regression on the
contacts in five synthetic scans, which knew the area of contact, too, and told 84 % of them right."""
ARCH_BINS, ARCH_BEHIND_MM, ARCH_STEP_MM = 50, 20.0, 0.25


@dataclass(frozen=True)
class Fragment:
    """One piece of a tooth, or a whole one."""

    centre_lps_mm: tuple[float, float, float]
    place: float
    """Counted from the midline by the network, 0.5-8.5."""
    volume_mm3: float
    along_mm: float
    """Of its centre along the arch, from the patient's right."""
    spread_mm2: float
    """Variance along the arch within it."""


def cut_fragments(core: FloatArray, mask: Mask) -> tuple[Labels, FloatArray]:
    """Cut teeth into pieces around the peaks of their cores.

    Args:
        core: (slices, rows, columns) probability of lying within a tooth and away from its surface.
        mask: what is tooth.

    Returns:
        A number for each piece, counted from one, 0 outside of the mask; and the smoothed cores they were cut by.
    """
    height = ndimage.gaussian_filter(np.where(mask, core, np.float32(0)), SMOOTHING)
    peaks = peak_local_max(height, min_distance=LEAST_APART, threshold_abs=LEAST_PEAK).reshape(-1, 3)
    peaks = peaks[mask[tuple(peaks.T)]]
    markers = np.zeros(mask.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return np.asarray(watershed(-height, markers, mask=mask), np.int32), np.asarray(height, np.float32)


def describe(labels: Labels, weights: FloatArray, places: FloatArray, grid: Volume) -> list[Fragment]:
    """Measure every fragment.

    Args:
        labels: (slices, rows, columns) numbers of fragments from one on without gaps; rows run to the back, columns to
            the left.
        weights: of voxels in means.
        places: from the midline.
        grid: of all these.
    """
    if not labels.any():
        return []
    voxels = np.argwhere(labels)
    name = labels[tuple(voxels.T)]
    weight = np.maximum(weights[tuple(voxels.T)].astype(np.float64), 1e-3)
    total = np.bincount(name, weights=weight)[1:]
    along = along_arch(np.asarray(voxels * grid.spacing_mm, np.float64))

    def mean(values: Floats) -> Floats:
        return np.asarray(np.bincount(name, weights=weight * values)[1:] / total)

    centres = grid.points_lps_mm(np.stack([mean(axis) for axis in voxels.T.astype(np.float64)], axis=-1))
    place, middle = mean(places[tuple(voxels.T)].astype(np.float64)), mean(along)
    spread = mean(along**2) - middle**2
    volume = np.bincount(name)[1:] * float(np.prod(grid.spacing_mm))
    return [
        Fragment((float(x), float(y), float(z)), *map(float, rest))
        for (x, y, z), *rest in zip(centres, place, volume, middle, spread, strict=True)
    ]


def bonds_between(labels: Labels, height: FloatArray, fragments: list[Fragment]) -> Floats:
    """(n, n) log-odds that two fragments are parts of one tooth; not a number where they do not touch."""
    count = len(fragments)
    saddle, peak = np.full((count, count), -1.0), np.zeros(count)
    inside = labels > 0
    np.maximum.at(peak, labels[inside] - 1, height[inside])
    for axis in range(3):
        one, other = (np.moveaxis(labels, axis, 0)[part] for part in (slice(1, None), slice(-1)))
        meet = (one != other) & (one > 0) & (other > 0)
        lower = np.minimum(*(np.moveaxis(height, axis, 0)[part][meet] for part in (slice(1, None), slice(-1))))
        first, second = one[meet] - 1, other[meet] - 1
        np.maximum.at(saddle, (first, second), lower)
        np.maximum.at(saddle, (second, first), lower)
    saddle[saddle < 0] = np.nan
    place = np.array([fragment.place for fragment in fragments])
    centre = np.array([fragment.centre_lps_mm for fragment in fragments]).reshape(-1, 3)[:, :2]
    return log_odds(
        saddle / np.maximum(np.minimum(peak[:, None], peak), 1e-3),
        np.abs(place[:, None] - place),
        np.linalg.norm(centre[:, None] - centre, axis=-1),
    )


def log_odds(openness: Floats, places_apart: Floats, apart_mm: Floats) -> Floats:
    """Of being one tooth, from the three features of `BOND`."""
    constant, of_openness, of_places, of_distance = BOND
    return np.asarray(constant + of_openness * openness + of_places * places_apart + of_distance * apart_mm)


def along_arch(places_mm: Floats) -> Floats:
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
    along = np.arange(0, length[-1] + 1e-6, ARCH_STEP_MM)
    dense = np.stack([np.interp(along, length, line) for line in curve], axis=-1)
    return np.asarray(along[KDTree(dense).query(places_mm[:, 1:])[1]])
