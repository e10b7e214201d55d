"""Several structures as one surface."""

from collections.abc import Sequence

import numpy as np

from gnathos.imaging import Volume
from gnathos.imaging.sampling import interpolate

TOUCH = 1e-3
"""Corners this near to a voxel, in voxels, lie on it."""


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
        part = union.crop(start - low, stop - low)
        np.maximum(part.voxels, interpolate(each, part), out=part.voxels)
    return union
