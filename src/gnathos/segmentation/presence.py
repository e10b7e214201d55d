"""Whether a structure is in the scan at all, judged from the network's coarse answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import cc3d
import numpy as np
import numpy.typing as npt

from gnathos.imaging import Volume
from gnathos.segmentation.findings import Reason
from gnathos.segmentation.network import CoarseAnatomy

Mask = npt.NDArray[np.bool_]

Face = tuple[int, int]
"""A face of the field of view: axis of the grid, and 0 or -1 for its beginning or end."""
BOTTOM, TOP, FRONT, BACK, RIGHT, LEFT = (0, 0), (0, -1), (1, 0), (1, -1), (2, 0), (2, -1)

BODY_SHARE = 0.05
"""A face of the field of view cuts the body where so much of it shows no outside air."""
TRACE = 0.3
"""Less than this share of the least volume looks like nothing at all."""


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
    beyond: Sequence[Face] = (BOTTOM, TOP, FRONT, BACK, RIGHT, LEFT)
    """Faces of the field of view behind which it may lie."""


@dataclass(frozen=True)
class Presence:
    """What was decided."""

    mask: Mask | None
    """The pieces that belong to the structure; None where it is missing."""
    probability: float
    """The network's mean in the pieces; where the structure is missing, the highest that speaks for it."""
    reason: Reason | None
    explanation: str


def judge_presence(
    probability: npt.NDArray[np.float32], coarse: CoarseAnatomy, required: Requirements, name: str
) -> Presence:
    """Pick the pieces that are the structure, or say why there is none.

    Args:
        probability: (slices, rows, columns) on the network's grid.
        coarse: the network's answer.
        required: what it must be like.
        name: how sentences call it.
    """
    grid = coarse.grid
    pieces = cc3d.connected_components(probability > 0.5, connectivity=18)
    sizes_ml = np.bincount(pieces.ravel()) * float(np.prod(grid.spacing_mm)) / 1000
    sizes_ml[0] = 0
    largest = int(sizes_ml.argmax())
    if sizes_ml[largest] < TRACE * required.least_cut_ml:
        return _absent(float(probability.max(initial=0)), coarse, required, name)
    main = pieces == largest
    is_cut = touches_border(main)
    if not _is_plausible(main, sizes_ml[largest], is_cut, grid, required):
        explanation = f"What looks most like the {name} is not of a size and shape that it can have."
        return Presence(None, float(probability[main].mean()), Reason.NOT_FOUND, explanation)
    mask = np.isin(pieces, np.flatnonzero(sizes_ml >= required.least_share * sizes_ml[largest]))
    mean = float(probability[mask].mean())
    if is_cut:
        return Presence(mask, mean, Reason.CUT_BY_BORDER, f"The field of view cuts the {name}.")
    return Presence(mask, mean, None, "")


def _absent(highest: float, coarse: CoarseAnatomy, required: Requirements, name: str) -> Presence:
    body = coarse.probability("background") < 0.5
    if any(body.take(end, axis).mean() > BODY_SHARE for axis, end in required.beyond):
        explanation = f"The field of view ends within the head and shows no {name}."
        return Presence(None, highest, Reason.NOT_IN_FIELD_OF_VIEW, explanation)
    return Presence(None, highest, Reason.NOT_FOUND, f"Nothing in the scan looks like the {name}.")


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
