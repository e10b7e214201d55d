"""The dental arch: the line that runs through the teeth, and behind them through the mandible."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from gnathos.imaging import Volume

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.float64]
"""(n, 2) LPS millimetres without the height: to the patient's left, to the back."""

LEAST_TEETH = 4
"""Without a mandible, fewer show no arch."""

_DEGREE = np.pi / 180
_BESIDE_TEETH = 8 * _DEGREE
"""So far from the last tooth the mandible begins to lead."""
_SMOOTHING_DEGREES = 5.0
_MOST_PLACES = 100_000
_LEAST_SHARE = 0.002
"""Of the mandible's voxels, in a degree: less is no more than its edge."""
_BEYOND_MM = 8.0
"""How far the line goes on straight at both ends."""


def dental_arch(teeth: Sequence[Volume], mandible: Volume | None, step_mm: float) -> Places | None:
    """Draw the arch as seen from above.

    Its places are told by direction from the middle of the arch, the centre of the circle that fits it best: in the
    direction of a tooth its distance is that of the tooth's centroid, elsewhere the mean of the mandible's voxels.

    Args:
        teeth: their fields, above zero inside.
        mandible: its field.
        step_mm: between places along the line.

    Returns:
        Evenly along the line, from the patient's right to the left; None where there is no arch.
    """
    if mandible is None and len(teeth) < LEAST_TEETH:
        return None
    of_teeth = np.array([_places(each).mean(axis=0) for each in teeth]).reshape(-1, 2)
    of_bone = _places(mandible) if mandible is not None else np.empty((0, 2))
    centre = _centre(of_teeth if len(of_teeth) >= LEAST_TEETH else of_bone)
    angles, distances = _around(of_teeth, centre)
    bone_angles, bone_distances = _behind(*_by_degree(*_around(of_bone, centre)), angles)
    angles, distances = np.concatenate([angles, bone_angles]), np.concatenate([distances, bone_distances])
    order = np.argsort(angles, kind="stable")
    even = np.linspace(angles.min(), angles.max(), int(np.ptp(angles) / _DEGREE) + 2)
    reach = gaussian_filter1d(np.interp(even, angles[order], distances[order]), _SMOOTHING_DEGREES, mode="nearest")
    line = _lengthened(centre + reach[:, None] * np.column_stack([np.sin(even), -np.cos(even)]))
    return _evenly(line if line[0, 0] < line[-1, 0] else line[::-1], step_mm)


def _places(field: Volume) -> Places:
    inside = np.argwhere(field.voxels > 0)
    return field.points_lps_mm(inside[:: len(inside) // _MOST_PLACES + 1])[:, :2]


def _centre(places: Places) -> Floats:
    """Of the circle that fits best (Kåsa 1976): least squares of x² + y² = 2ax + 2by + c."""
    middle = places.mean(axis=0)
    offsets = places - middle
    equations = np.column_stack([2 * offsets, np.ones(len(offsets))])
    solution = np.linalg.lstsq(equations, (offsets**2).sum(axis=1), rcond=None)[0]
    return np.asarray(middle + solution[:2])


def _around(places: Places, centre: Floats) -> tuple[Floats, Floats]:
    """Directions from the centre, 0 to the patient's front and positive to the left, and distances."""
    left, back = (places - centre).T
    return np.arctan2(left, -back), np.hypot(left, back)


def _by_degree(angles: Floats, distances: Floats) -> tuple[Floats, Floats]:
    """Mean distance in each degree that holds enough."""
    degrees = np.floor((angles + np.pi) / _DEGREE).astype(int)
    counts = np.bincount(degrees, minlength=360)
    sums = np.bincount(degrees, distances, minlength=360)
    held = np.flatnonzero(counts > _LEAST_SHARE * len(angles))
    return np.asarray((held + 0.5) * _DEGREE - np.pi), sums[held] / counts[held]


def _behind(angles: Floats, distances: Floats, of_teeth: Floats) -> tuple[Floats, Floats]:
    """What of the mandible is not beside teeth."""
    if not len(of_teeth):
        return angles, distances
    is_behind = (angles < of_teeth.min() - _BESIDE_TEETH) | (angles > of_teeth.max() + _BESIDE_TEETH)
    return angles[is_behind], distances[is_behind]


def _lengthened(line: Places) -> Places:
    first, last = line[0] - line[1], line[-1] - line[-2]
    ends = (_BEYOND_MM * each / np.linalg.norm(each) for each in (first, last))
    return np.vstack([line[0] + next(ends), line, line[-1] + next(ends)])


def _evenly(line: Places, step_mm: float) -> Places:
    reached = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    even = np.arange(0, reached[-1], step_mm)
    return np.column_stack([np.interp(even, reached, line[:, axis]) for axis in (0, 1)])
