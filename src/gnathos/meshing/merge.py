"""Several structures as one surface."""

from collections.abc import Sequence

import numpy as np

from gnathos.imaging import Volume
from gnathos.imaging.sampling import interpolate

TOUCH = 1e-3
"""Corners this near to a voxel, in voxels, lie on it."""
_SLAB = 32
"""Slices interpolated at a time: a field of larger voxels is never held whole on the finer lattice."""


def merge_fields(fields: Sequence[Volume]) -> Volume:
    """The union of fields: inside where any of them is.

    Args:
        fields: at least one; their index axes run alike. Where lattices differ, the finest is taken.

    Returns:
        A field over the box around all of them.
    """
    if len(fields) == 1:
        return fields[0]
    finest = min(fields, key=lambda each: float(each.spacing_mm.prod()))
    corners = [finest.indices_at(each.corners_lps_mm) for each in fields]
    boxes = [(np.ceil(low - TOUCH).astype(int), np.floor(high + TOUCH).astype(int) + 1) for low, high in corners]
    low = np.min([start for start, _ in boxes], axis=0)
    high = np.max([stop for _, stop in boxes], axis=0)
    affine = finest.affine_lps.copy()
    affine[:3, 3] = finest.points_lps_mm(low[None])[0]
    union = Volume(np.full(high - low, -1, np.float32), affine, frame_of_reference_uid=finest.frame_of_reference_uid)
    for each, (start, stop) in zip(fields, boxes, strict=True):
        for first in range(start[0], stop[0], _SLAB):
            last = min(first + _SLAB, stop[0])
            slab = union.crop((first, *start[1:]) - low, (last, *stop[1:]) - low)
            np.maximum(slab.voxels, interpolate(each, slab), out=slab.voxels)
    return union
