"""The curves that the jaws and their teeth follow."""

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline
from scipy.spatial import KDTree

from gnathos.phantom.shapes import Arch, tabulate

_SAMPLE_MM = 0.2
_BEYOND_MM = 40.0

_LOWER = [(0, 1), (6, 2), (12, 5.5), (16.5, 11), (19.8, 18), (23, 27), (26, 36), (29.5, 46)]
_UPPER = [(0, -1.5), (7, -0.4), (13.5, 4), (18, 10), (21.6, 18), (24.8, 27), (27, 36), (28.5, 46)]
_BASAL = [(0, 0), (8, 1.5), (15, 6), (20, 13), (24.5, 22), (30, 33), (36, 44), (41.5, 54), (46, 62)]


@cache
def lower_arch() -> Arch:
    """Through the middles of the lower teeth."""
    return _arch(_LOWER)


@cache
def upper_arch() -> Arch:
    """Through the middles of the upper teeth."""
    return _arch(_UPPER)


@cache
def basal_arch() -> Arch:
    """Through the body of the mandible."""
    return _arch(_BASAL)


def _arch(places: list[tuple[float, float]]) -> Arch:
    curve = _sampled(np.array(places, dtype=float))
    directions = np.gradient(curve, axis=0)
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    outwards = np.column_stack([directions[:, 1], -directions[:, 0]])
    tree = KDTree(curve)

    def along(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(tree.query(points)[1] * _SAMPLE_MM)

    def across(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        distances, nearest = tree.query(points)
        sides = np.einsum("ij,ij->i", points - curve[nearest], outwards[nearest])
        return np.asarray(np.where(sides < 0, -distances, distances))

    corners = ((0.0, -30.0), (75.0, 110.0))
    return Arch(tabulate(along, *corners), tabulate(across, *corners), curve, _SAMPLE_MM)


def _sampled(places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The left half evenly sampled by its length, going on straight at its end."""
    mirrored = np.vstack([places[:0:-1] * [-1, 1], places])
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(mirrored, axis=0), axis=1))])
    fine = CubicSpline(lengths, mirrored)(np.linspace(lengths[len(places) - 1], lengths[-1], 2000))
    last = fine[-1] - fine[-2]
    fine = np.vstack([fine, fine[-1] + last / np.linalg.norm(last) * _BEYOND_MM])
    reached = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(fine, axis=0), axis=1))])
    even = np.arange(0, reached[-1], _SAMPLE_MM)
    return np.column_stack([np.interp(even, reached, fine[:, axis]) for axis in (0, 1)])
