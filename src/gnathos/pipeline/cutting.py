"""Cutting structures out of others, before there is a surface."""

from collections.abc import Sequence

import numpy as np

from gnathos.imaging import Volume
from gnathos.imaging.sampling import interpolate
from gnathos.meshing import merge_fields

_OUTSIDE = -1.0
_TOUCH = 1e-3
"""Corners this near to a voxel, in voxels, lie on it."""


def cut_out(whole: Volume, excluded: Sequence[Volume]) -> Volume:
    """What is inside a field and outside all others.

    Args:
        whole: above zero inside.
        excluded: at least one; their index axes run as the whole's do. Where lattices differ, the finest is taken.
    """
    lattice = merge_fields([whole, *excluded])
    rest = _placed(whole, lattice)
    for each in excluded:
        np.minimum(rest, -_placed(each, lattice), out=rest)
    return lattice.with_voxels(rest)


def _placed(field: Volume, lattice: Volume) -> np.ndarray[tuple[int, int, int], np.dtype[np.float32]]:
    """A field's values on a lattice that reaches beyond it."""
    values = np.full(lattice.shape, _OUTSIDE, np.float32)
    corners = lattice.indices_at(field.corners_lps_mm)
    low = np.ceil(corners[0] - _TOUCH).astype(int)
    high = np.floor(corners[1] + _TOUCH).astype(int) + 1
    part = lattice.crop(low, high)
    values[low[0] : high[0], low[1] : high[1], low[2] : high[2]] = interpolate(field, part)
    return values
