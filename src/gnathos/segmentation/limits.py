"""Where a structure ends by definition and not by its own edge: planes of the throat, the reach of the upper jaw."""

import numpy as np
import numpy.typing as npt

from gnathos.imaging import Volume
from gnathos.segmentation.bones import LOWER, signed_distance_mm
from gnathos.segmentation.network import CoarseAnatomy

FloatArray = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]

LIKELY = 0.5
LEAST_TEETH = 60
"""Voxels of the network's grid, below which teeth or sinuses say nothing of how the head lies."""
SINUS_OVERHANG_MM = 5.0
"""The sinuses reach further back than the hard palate."""
UPPER_JAW_REACH_MM = 12.0
"""The upper jaw is the bone so near to upper teeth and maxillary sinuses."""
LEAST_FLATNESS = 0.5
"""Thickness of an arch over its depth, above which it does not show how the bite lies."""


def throat(coarse: CoarseAnatomy) -> Volume | None:
    """How far inside of the throat's planes each place of the network's grid is, millimetres.

    The throat lies behind the plane that stands upright on the bite where the upper teeth end, or where the hard palate
    ends by the maxillary sinuses, whichever is further back; and above the plane along the bite through the lowest
    point of the mandible. Its roof is its own. Nose and mouth lie in front.

    Returns:
        None where neither teeth nor sinuses are seen.
    """
    upper, lower, sinuses = (_places(coarse, *names) for names in (("upper_teeth",), ("lower_teeth",), ("sinus",)))
    teeth = upper if len(upper) >= LEAST_TEETH else lower
    up = _upright(teeth)
    back = np.array([0.0, 1.0, 0.0]) - up[1] * up
    back /= np.linalg.norm(back)
    ends = [float(np.quantile(teeth @ back, 0.98))] if len(teeth) >= LEAST_TEETH else []
    ends += [float(np.quantile(sinuses @ back, 0.98)) - SINUS_OVERHANG_MM] if len(sinuses) >= LEAST_TEETH else []
    if not ends:
        return None
    inside = _along(coarse.grid, back) - max(ends)
    jaw = _places(coarse, *LOWER)
    if len(jaw) >= LEAST_TEETH:
        inside = np.minimum(inside, _along(coarse.grid, up) - float((jaw @ up).min()))
    return coarse.grid.with_voxels(inside.astype(np.float32))


def upper_jaw(coarse: CoarseAnatomy) -> Volume | None:
    """How far inside of the upper jaw's reach each place of the network's grid is, millimetres; None without one."""
    kernel = coarse.probability("upper_teeth", "sinus") > LIKELY
    if kernel.sum() < LEAST_TEETH:
        return None
    return coarse.grid.with_voxels(signed_distance_mm(kernel, coarse.grid) + np.float32(UPPER_JAW_REACH_MM))


def _places(coarse: CoarseAnatomy, *names: str) -> Points:
    return coarse.grid.points_lps_mm(np.argwhere(coarse.probability(*names) > LIKELY))


def _upright(teeth: Points) -> Points:
    """(3,) unit vector at right angles to the bite, to the head; the patient's axis where an arch does not show it."""
    axis = np.array([0.0, 0.0, 1.0])
    if len(teeth) < LEAST_TEETH:
        return axis
    spreads, directions = np.linalg.eigh(np.cov(teeth.T))
    normal = directions[:, 0] * np.sign(directions[2, 0])
    is_flat = np.sqrt(spreads[0] / spreads[1]) < LEAST_FLATNESS
    return np.asarray(normal if is_flat and normal @ axis > np.cos(np.deg2rad(40)) else axis)


def _along(grid: Volume, direction: Points) -> Points:
    """(slices, rows, columns) places of the grid's voxels measured along a direction."""
    steps = direction @ grid.affine_lps[:3, :3]
    lines = [step * np.arange(edge) for step, edge in zip(steps, grid.shape, strict=True)]
    start = float(direction @ grid.affine_lps[:3, 3])
    return np.asarray(start + lines[0][:, None, None] + lines[1][None, :, None] + lines[2][None, None])
