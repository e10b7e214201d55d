"""Canals, compared by their centrelines."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

Polyline = npt.NDArray[np.float64]
"""(n, 3) places in millimetres, in order from one end to the other."""

_STEP_MM = 0.1
_NEAR_MM = 1.0


@dataclass(frozen=True)
class CentrelineError:
    """How far two centrelines are apart."""

    mean_mm: float
    """Mean distance to the other line over the length of both."""
    share_within_1mm: float
    """Share of both lengths within a millimetre of the other line."""
    ends_mm: tuple[float, float]
    """Distance from each end of the reference to the corresponding end of the line found, the better way round."""


def compare_centrelines(reference: Polyline, found: Polyline) -> CentrelineError:
    """Compare two lines of at least two points; their directions do not matter."""
    one, other = _even(reference), _even(found)
    distances = np.concatenate([cKDTree(other).query(one)[0], cKDTree(one).query(other)[0]])
    ways = [_ends(reference, found), _ends(reference, found[::-1])]
    return CentrelineError(float(distances.mean()), float((distances <= _NEAR_MM).mean()), min(ways, key=sum))


def _even(line: Polyline) -> Polyline:
    """Points along the line at even distances of about `_STEP_MM`."""
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    places = np.linspace(0, lengths[-1], max(2, int(lengths[-1] / _STEP_MM) + 1))
    return np.stack([np.interp(places, lengths, line[:, axis]) for axis in range(3)], axis=1)


def _ends(reference: Polyline, found: Polyline) -> tuple[float, float]:
    first, last = np.linalg.norm(reference[[0, -1]] - found[[0, -1]], axis=1)
    return float(first), float(last)
