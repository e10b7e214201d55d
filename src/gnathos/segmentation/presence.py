"""Whether a structure is in the scan at all, judged from the network's coarse answer."""

from dataclasses import dataclass

import cc3d
import numpy as np
import numpy.typing as npt

from gnathos.imaging import Volume
from gnathos.segmentation.findings import Reason

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Requirements:
    """What a structure must be like to count as there."""

    least_ml: float
    """Volume of its largest piece when the field of view does not cut it."""
    least_width_mm: float
    """Extent from left to right of that piece when nothing cuts it."""
    least_cut_ml: float
    """Volume of its largest piece when the field of view cuts it."""
    least_share: float
    """Further pieces count from this share of the largest one."""
    is_arch: bool = False
    """Whether it curves round the tongue: its middle lies in front of its sides."""


@dataclass(frozen=True)
class Presence:
    """What was decided."""

    mask: Mask | None
    """The pieces that belong to the structure; None where it is missing."""
    confidence: float
    reason: Reason | None
    explanation: str


def judge_presence(probability: npt.NDArray[np.float32], grid: Volume, required: Requirements, name: str) -> Presence:
    """Pick the pieces that are the structure, or say why there is none.

    Args:
        probability: (slices, rows, columns) on the grid.
        grid: coarse scan, index axes along the patient's.
        required: what it must be like.
        name: how sentences call it.
    """
    pieces = cc3d.connected_components(probability > 0.5, connectivity=18)
    sizes_ml = np.bincount(pieces.ravel()) * float(np.prod(grid.spacing_mm)) / 1000
    sizes_ml[0] = 0
    largest = int(sizes_ml.argmax())
    if not sizes_ml[largest]:
        doubt = float(probability.max(initial=0))
        return Presence(None, 1 - doubt, Reason.NOT_FOUND, f"Nothing in the scan looks like the {name}.")
    main = pieces == largest
    is_cut = touches_border(main)
    if not _is_plausible(main, sizes_ml[largest], is_cut, grid, required):
        explanation = f"What looks most like the {name} is not of a size and shape that it can have."
        return Presence(None, 1 - float(probability[main].mean()) / 2, Reason.NOT_FOUND, explanation)
    mask = np.isin(pieces, np.flatnonzero(sizes_ml >= required.least_share * sizes_ml[largest]))
    confidence = float(probability[mask].mean())
    if is_cut:
        return Presence(mask, confidence, Reason.CUT_BY_BORDER, f"The field of view cuts the {name}.")
    return Presence(mask, confidence, None, "")


def touches_border(mask: Mask) -> bool:
    """Whether a mask reaches the border of its grid."""
    return any(bool(mask.take(side, axis).any()) for axis in range(3) for side in (0, -1))


def _is_plausible(main: Mask, size_ml: float, is_cut: bool, grid: Volume, required: Requirements) -> bool:
    width_mm = np.ptp(np.flatnonzero(main.any(axis=(0, 1)))) * grid.spacing_mm[2]
    if required.is_arch and width_mm >= required.least_width_mm and not _bulges_forward(main, grid):
        return False
    if is_cut:
        return size_ml >= required.least_cut_ml
    return bool(size_ml >= required.least_ml and width_mm >= required.least_width_mm)


LEAST_BULGE_MM = 4.0
"""A jaw's middle lies 15-45 mm in front of its sides; the back of the skull curves the other way."""
LEAST_SLOPE = 0.3
"""Half a jaw runs about as far back as outwards from where the field of view cuts it in the middle."""


def _bulges_forward(main: Mask, grid: Volume) -> bool:
    """Whether a piece, seen from above, opens to the back: a parabola through it, or a line where it is cut."""
    places = np.argwhere(main)
    across_mm = (places[:, 2] - places[:, 2].mean()) * grid.spacing_mm[2]
    back_mm = places[:, 1] * grid.spacing_mm[1]
    curvature, slope, _ = np.polyfit(across_mm, back_mm, 2)
    if curvature * (np.ptp(across_mm) / 2) ** 2 >= LEAST_BULGE_MM:
        return True
    is_cut_low, is_cut_high = bool(main[:, :, 0].any()), bool(main[:, :, -1].any())
    outwards = int(is_cut_low) - int(is_cut_high)
    return bool(outwards * slope >= LEAST_SLOPE)
