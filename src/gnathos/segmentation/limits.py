"""Where a structure ends by definition and not by its own edge: planes of the throat, the reach of the upper jaw."""

import numpy as np
import numpy.typing as npt

from gnathos.imaging import Volume
from gnathos.segmentation.bones import LOWER, signed_distance_mm
from gnathos.segmentation.landmarks import LIKELY, Landmarks, Mask

FloatArray = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]

LEAST_TEETH = 60
"""Voxels of the network's grid, below which teeth or sinuses say nothing of where the mouth ends."""
BACK_END = 0.98
"""Share of the teeth, or sinuses, in front of their back end."""
UPPER_JAW_REACH_MM = 12.0
"""The upper jaw is the bone so near to upper teeth and maxillary sinuses."""


def throat(landmarks: Landmarks) -> Volume | None:
    """How far inside of the throat's planes each place of the network's grid is, millimetres.

    The throat lies behind the coronal plane through the back end of the upper teeth, and above the axial plane through
    the lowest point of the mandible. Where the scan shows no upper teeth, the sinuses or the lower teeth take their
    part. Its roof is its own; nose and mouth lie in front.

    Returns:
        None where neither teeth nor sinuses are seen.
    """
    grid = landmarks.coarse.grid
    sinuses = landmarks.sinuses
    if sinuses[0].any():  # their tops alone do not tell where the palate ends
        sinuses = np.zeros_like(sinuses)
    markers = (_places(each, grid) for each in (landmarks.upper_teeth, sinuses, landmarks.lower_teeth))
    seen = next((each for each in markers if len(each) >= LEAST_TEETH), None)
    if seen is None:
        return None
    rows = _axis_mm(grid, 1) - float(np.quantile(seen[:, 1], BACK_END))
    inside = np.broadcast_to(rows[None, :, None], grid.shape)
    jaw = _places(landmarks.coarse.probability(*LOWER) > LIKELY, grid)
    if len(jaw) >= LEAST_TEETH:
        inside = np.minimum(inside, (_axis_mm(grid, 0) - float(jaw[:, 2].min()))[:, None, None])
    return grid.with_voxels(inside.astype(np.float32))


def upper_jaw(landmarks: Landmarks) -> Volume | None:
    """How far inside of the upper jaw's reach each place of the network's grid is, millimetres; None without one."""
    kernel, grid = landmarks.upper_teeth | landmarks.sinuses, landmarks.coarse.grid
    if kernel.sum() < LEAST_TEETH:
        return None
    return grid.with_voxels(signed_distance_mm(kernel, grid) + np.float32(UPPER_JAW_REACH_MM))


def _places(mask: Mask, grid: Volume) -> Points:
    return grid.points_lps_mm(np.argwhere(mask))


def _axis_mm(grid: Volume, axis: int) -> Points:
    """Places of the grid's planes along the patient's axis that this index axis runs nearest to."""
    indices = np.zeros((grid.shape[axis], 3))
    indices[:, axis] = np.arange(grid.shape[axis])
    return grid.points_lps_mm(indices)[:, 2 - axis]
