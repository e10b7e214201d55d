"""Left and right, from the patient's own axes."""

import cc3d
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


WIDEST_MM = 45.0
"""A sinus is at most so wide; a wider piece is two that run together."""
LEAST_HALF = 0.25
"""Of two that run together, either has at least this share."""
LEAST_SEEN = 60
"""Voxels of teeth, or of nose and throat, from which they say where the midline is."""
HALF_ARCH_SLOPE = 1.0
"""A row of teeth that runs back so much faster than outwards is half an arch: the midline lies beside it."""


LEAST_WIDTH_MM = 95.0
"""Bones so wide, with nothing cut off, are a whole head's, and their middle is the patient's."""
LEAST_BULGE_MM = 6.0
"""By so much the middle of a whole arch of teeth lies in front of its ends."""


def midline_of_head(bones: Mask, teeth: Mask, airway: Mask, voxel_mm: float) -> float | None:
    """Column of the midline, also where the field of view shows a part of the head.

    Args:
        bones: as for `midline_column`; rows run to the back.
        teeth: (slices, rows, columns) of both jaws.
        airway: nose and throat, which lie in the middle.
        voxel_mm: width of a column, and depth of a row.

    Returns:
        -1 or the number of columns where all that is seen lies on one side; None where nothing tells it.
    """
    columns = np.nonzero(teeth)[2]
    has_teeth = len(columns) >= LEAST_SEEN and np.ptp(columns) > 0
    if has_teeth and (beside := _beside_half_an_arch(teeth)) is not None:
        return beside
    is_cut = bool(bones[..., 0].any() or bones[..., -1].any())
    if not is_cut and np.ptp(np.flatnonzero(bones.any(axis=(0, 1)))) * voxel_mm >= LEAST_WIDTH_MM:
        return midline_column(bones)
    # in a small field without teeth the network takes a sinus for the nose
    if airway.sum() >= LEAST_SEEN and (has_teeth or airway.shape[2] * voxel_mm >= LEAST_WIDTH_MM):
        return float(np.median(np.nonzero(airway)[2]))
    return _middle_of_arch(teeth, voxel_mm) if has_teeth else None


def _beside_half_an_arch(teeth: Mask) -> float | None:
    rows, columns = np.nonzero(teeth)[1:]
    slope = float(np.polyfit(columns, rows, 1)[0])
    if abs(slope) < HALF_ARCH_SLOPE:
        return None
    return -1.0 if slope > 0 else float(teeth.shape[2])


def _middle_of_arch(teeth: Mask, voxel_mm: float) -> float | None:
    """The foremost column of a parabola through the teeth, seen from above, where they lie on both sides of it."""
    rows, columns = np.nonzero(teeth)[1:]
    across = columns - columns.mean()
    curvature, slope, _ = np.polyfit(across, rows, 2)
    half = np.ptp(across) / 2
    if curvature * half**2 * voxel_mm < LEAST_BULGE_MM or abs(slope) > curvature * half:
        return None
    return float(columns.mean() - slope / (2 * curvature))


def pieces_on_side(mask: Mask, midline: float, is_left: bool, voxel_mm: float) -> Mask:
    """The connected pieces of a mask whose middle lies on one side; one as wide as two sinuses is cut.

    Args:
        mask: (slices, rows, columns) sinuses.
        midline: column.
        is_left: which side.
        voxel_mm: width of a column.
    """
    chosen = np.zeros_like(mask)
    pieces = cc3d.connected_components(mask, connectivity=18)
    for number in range(1, int(pieces.max()) + 1):
        piece = pieces == number
        columns = np.nonzero(piece)[2]
        left_share = float((columns > midline).mean())
        is_two = np.ptp(columns) * voxel_mm > WIDEST_MM and LEAST_HALF <= left_share <= 1 - LEAST_HALF
        if is_two:
            chosen |= one_side(piece, midline, is_left)
        elif (columns.mean() > midline) == is_left:
            chosen |= piece
    return chosen
