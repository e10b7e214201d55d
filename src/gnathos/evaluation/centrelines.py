"""Canals, compared by their centrelines."""

from dataclasses import dataclass

import edt
import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.graph import MCP_Geometric

Polyline = npt.NDArray[np.float64]
"""(n, 3) places in millimetres, in order from one end to the other."""

_STEP_MM = 0.1
_NEAR_MM = 1.0
_COST_OF_A_GAP = 50.0
"""Per millimetre outside of the tube; about one in its middle."""
_SMOOTHING_MM = 1.0


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


def centreline_of(mask: npt.NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> Polyline:
    """The line through the middle of a tube, from one end to the other, in millimetres from the first voxel.

    The two voxels furthest apart within the mask are its ends; pieces are joined by the shortest way between them.

    Args:
        mask: (slices, rows, columns), not empty.
        spacing_mm: along its axes.
    """
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    tube = np.pad(mask[box], 1)
    first = np.array([part.start - 1 for part in box])
    depth = edt.edt(tube, anisotropy=spacing_mm)
    cost = np.where(tube, 1 / (0.2 + (depth / depth.max()) ** 2), _COST_OF_A_GAP)
    start = tuple(np.argwhere(tube)[0])
    for _ in range(2):  # from anywhere to the furthest place, and from there to what is furthest from it
        reached = MCP_Geometric(np.where(tube, 1.0, _COST_OF_A_GAP), sampling=spacing_mm).find_costs([start])[0]
        end, start = start, np.unravel_index(np.argmax(np.where(tube, reached, -1)), tube.shape)
    search = MCP_Geometric(cost, sampling=spacing_mm)
    search.find_costs([start], [end])
    line = (np.array(search.traceback(end), float) + first) * spacing_mm
    return np.asarray(ndimage.gaussian_filter1d(line, _SMOOTHING_MM / min(spacing_mm), axis=0, mode="nearest"))
