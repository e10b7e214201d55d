"""From stored values to values."""

from typing import Any

import numpy as np
import numpy.typing as npt


def replace_padding(voxels: npt.NDArray[Any], low: int, high: int) -> None:
    """Give voxels that stand for no image the least value of those that do, in place.

    Args:
        voxels: (slices, rows, columns) stored values.
        low: least stored value of padding.
        high: greatest.
    """
    least = min((int(plane[outside].min()) for plane, outside in _outside(voxels, low, high)), default=None)
    if least is None:
        return
    for plane, outside in _outside(voxels, low, high):
        plane[~outside] = least


def _outside(voxels: npt.NDArray[Any], low: int, high: int) -> Any:
    for plane in voxels:
        outside = (plane < low) | (plane > high)
        if outside.any():
            yield plane, outside


def rescale(
    voxels: npt.NDArray[Any], slopes: npt.NDArray[np.float64], intercepts: npt.NDArray[np.float64]
) -> npt.NDArray[Any]:
    """Apply Rescale Slope and Intercept of every slice; works in place where the results are whole and fit.

    Args:
        voxels: (slices, rows, columns) stored integers; not to be used afterwards.
        slopes: (slices,).
        intercepts: (slices,).

    Returns:
        int16 or uint16 where every result is whole and fits, else float32.
    """
    is_whole = bool((slopes == np.round(slopes)).all() and (intercepts == np.round(intercepts)).all())
    target = _whole_dtype(voxels, slopes, intercepts) if is_whole else None
    if target is None:
        return _rescale_to_float(voxels, slopes, intercepts)
    result = voxels.view(target) if voxels.itemsize == np.dtype(target).itemsize else np.empty(voxels.shape, target)
    is_plain = bool((slopes == 1).all() and (intercepts == 0).all())
    if not (is_plain and voxels.dtype == result.dtype):
        for index, plane in enumerate(voxels):
            result[index] = plane.astype(np.int64) * int(slopes[index]) + int(intercepts[index])
    return result


def _whole_dtype(
    voxels: npt.NDArray[Any], slopes: npt.NDArray[np.float64], intercepts: npt.NDArray[np.float64]
) -> type[np.integer[Any]] | None:
    extremes = np.array([(float(plane.min()), float(plane.max())) for plane in voxels])
    results = extremes * slopes[:, None] + intercepts[:, None]
    for dtype in (np.int16, np.uint16):
        if np.iinfo(dtype).min <= results.min() and results.max() <= np.iinfo(dtype).max:
            return dtype
    return None


def _rescale_to_float(
    voxels: npt.NDArray[Any], slopes: npt.NDArray[np.float64], intercepts: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    result = np.empty(voxels.shape, np.float32)
    for index, plane in enumerate(voxels):
        result[index] = plane * slopes[index] + intercepts[index]
    return result
