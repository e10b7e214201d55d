"""Curved planar reformation: a volume unrolled along a line."""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import map_coordinates

from gnathos.imaging.volume import Volume


def unroll(
    volume: Volume,
    line_mm: npt.NDArray[np.float64],
    heights_mm: npt.NDArray[np.float64],
    depths_mm: npt.NDArray[np.float64],
) -> npt.NDArray[np.float32]:
    """The mean of a slab that follows a line, upright in the patient.

    Args:
        volume: any scan, its index axes may point anywhere.
        line_mm: (columns, 2) LPS without the height.
        heights_mm: (rows,) z of the picture's rows.
        depths_mm: places across the line, 0 on it, over which the mean is taken.

    Returns:
        (rows, columns); NaN where the scan does not reach.
    """
    along = np.gradient(line_mm, axis=0)
    along /= np.linalg.norm(along, axis=1)[:, None]
    across = np.column_stack([along[:, 1], -along[:, 0]])
    total = np.zeros((len(heights_mm), len(line_mm)))
    count = np.zeros_like(total)
    points = np.empty((*total.shape, 3))
    points[..., 2] = heights_mm[:, None]
    for depth_mm in depths_mm:
        points[..., :2] = line_mm + depth_mm * across
        indices = volume.indices_at(points.reshape(-1, 3)).T
        values = map_coordinates(volume.voxels, indices, np.float32, order=1, mode="constant", cval=np.nan)
        is_inside = np.isfinite(values).reshape(total.shape)
        total[is_inside] += values.reshape(total.shape)[is_inside]
        count += is_inside
    with np.errstate(invalid="ignore"):
        return (total / count).astype(np.float32)
