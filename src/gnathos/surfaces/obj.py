"""Wavefront OBJ in: places and faces; normals, texture and groups are passed over."""

import numpy as np

from gnathos.errors import SurfaceUnreadable
from gnathos.imaging.limits import Limits
from gnathos.surfaces.polygons import fans
from gnathos.surfaces.surface import Surface, check_count

_NO_INDEX = 2**40
"""Of a corner that counts back beyond the first."""


def parse_obj(content: bytes, limits: Limits) -> Surface:
    """Parse a mesh.

    Raises:
        SurfaceUnreadable: a place or a corner is not a number, or there are no faces.
    """
    check_count(content.count(b"\nf ") + content.count(b"\nf\t"), limits)
    places: list[tuple[float, float, float]] = []
    polygons: list[list[int]] = []
    has_texture = False
    try:
        for line in content.splitlines():
            words = line.split()
            if not words:
                continue
            if words[0] == b"v":
                places.append((float(words[1]), float(words[2]), float(words[3])))
            elif words[0] == b"f":
                polygons.append([_index(word, len(places)) for word in words[1:]])
            elif words[0] in (b"vt", b"mtllib"):
                has_texture = True
    except (ValueError, IndexError) as error:
        raise SurfaceUnreadable("The OBJ has a line that is not understood.") from error
    faces = fans([np.array(polygon) for polygon in polygons], limits)
    return Surface(np.array(places, dtype=np.float64).reshape(-1, 3), faces, has_texture)


def _index(word: bytes, count: int) -> int:
    """From `7/1/3`, or `-1` for the newest; the file counts from 1."""
    number = int(word.partition(b"/")[0])
    if number < 0:
        return count + number if count + number >= 0 else _NO_INDEX
    return number - 1
