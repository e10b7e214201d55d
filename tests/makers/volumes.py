"""Volumes as SimpleITK has them, the outside judge of places."""

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 - as its own documentation names it

CORNERS = np.array([[0, 0, 0], [6, 0, 0], [0, 5, 0], [0, 0, 4], [6, 5, 4], [3, 1, 2]])
"""Slice, row, column of some voxels of `itk_image`."""


def itk_image(direction: npt.ArrayLike) -> sitk.Image:
    """7 slices of 6 × 5, every value another."""
    voxels = (np.arange(7 * 6 * 5).reshape(7, 6, 5) * 11 - 900).astype(np.int16)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((0.4, 0.5, 0.9))
    image.SetOrigin((-20.5, 13.25, 101.0))
    image.SetDirection(np.asarray(direction, dtype=float).ravel().tolist())
    return image


def itk_points(image: sitk.Image, indices: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """(n, 3) LPS millimetres of (n, 3) slice, row, column, as SimpleITK has them."""
    return np.array([image.TransformIndexToPhysicalPoint(each[::-1].tolist()) for each in indices])
