"""Left and right, from the patient's own axes."""

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


def midline_column(bones: Mask) -> float:
    """Column of the patient's midline on a grid whose columns run to the left.

    Args:
        bones: (slices, rows, columns) jaws and skull; symmetric unless the field of view cuts one side.

    Returns:
        Half-way between their right-most and left-most fortieth: robust against specks.
    """
    columns = np.argwhere(bones)[:, 2] if bones.any() else np.array([0, bones.shape[2] - 1])
    return float(np.quantile(columns, [0.025, 0.975]).mean())


def one_side(mask: Mask, midline: float, is_left: bool) -> Mask:
    """The part of a mask that lies left or right of the midline (the patient's left: higher columns)."""
    columns = np.arange(mask.shape[2])
    wanted = columns > midline if is_left else columns <= midline
    return mask & wanted[None, None, :]
