"""Polygons as triangles."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gnathos.errors import SurfaceUnreadable
from gnathos.imaging.limits import Limits
from gnathos.surfaces.surface import check_count

_LARGEST_INDEX = 2**40
"""Larger than any number of corners; floats up to here are whole."""


def fans(
    polygons: npt.NDArray[np.generic] | Sequence[npt.NDArray[np.generic]], limits: Limits
) -> npt.NDArray[np.int64]:
    """Cut each polygon into a fan of triangles from its first corner.

    Args:
        polygons: indices of corners: an array (polygons, corners), or one array a polygon.
        limits: caps on the triangles.

    Returns:
        (m, 3) indices.
    """
    if isinstance(polygons, np.ndarray):
        return _fan_of_equal(polygons, limits)
    lengths = np.array([len(each) for each in polygons])
    check_count(int(np.maximum(lengths - 2, 0).sum()), limits)
    by_length = [
        _fan_of_equal(np.array([each for each in polygons if len(each) == length]), limits)
        for length in np.unique(lengths).tolist()
    ]
    return np.concatenate(by_length) if by_length else np.zeros((0, 3), np.int64)


def _fan_of_equal(polygons: npt.NDArray[np.generic], limits: Limits) -> npt.NDArray[np.int64]:
    values = np.asarray(polygons, dtype=np.float64)
    if not np.isfinite(values).all() or (np.abs(values) > _LARGEST_INDEX).any():
        raise SurfaceUnreadable("A triangle of the mesh names a corner that does not exist.")
    indices = values.astype(np.int64)
    corners = indices.shape[1]
    if corners < 3:
        return np.zeros((0, 3), np.int64)
    check_count(len(indices) * (corners - 2), limits)
    return np.concatenate([indices[:, [0, place, place + 1]] for place in range(1, corners - 1)])
