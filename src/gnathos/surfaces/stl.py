"""STL in, binary and text."""

import re

import numpy as np

from gnathos.errors import SurfaceUnreadable
from gnathos.imaging.limits import Limits
from gnathos.surfaces.surface import Surface, check_count

HEADER_BYTES = 84
_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_VERTEX = re.compile(rb"vertex\s+(\S{1,40})\s+(\S{1,40})\s+(\S{1,40})")


def parse_stl(content: bytes, limits: Limits) -> Surface:
    """Parse either form; the binary one may begin with `solid` too, so its length decides.

    Raises:
        SurfaceUnreadable: it is neither.
    """
    if is_binary_stl(content):
        return _parse_binary(content, limits)
    if content[:400].lstrip().lower().startswith(b"solid"):
        return _parse_text(content, limits)
    count = int.from_bytes(content[HEADER_BYTES - 4 : HEADER_BYTES], "little")
    raise SurfaceUnreadable(f"The STL declares {count} triangles, which its {len(content)} bytes do not hold.")


def is_binary_stl(content: bytes) -> bool:
    """Whether the length is what the declared number of triangles needs."""
    count = int.from_bytes(content[HEADER_BYTES - 4 : HEADER_BYTES], "little")
    return len(content) >= HEADER_BYTES and len(content) == HEADER_BYTES + count * _RECORD.itemsize


def _parse_binary(content: bytes, limits: Limits) -> Surface:
    check_count((len(content) - HEADER_BYTES) // _RECORD.itemsize, limits)
    corners = np.frombuffer(content, _RECORD, offset=HEADER_BYTES)["corners"].reshape(-1, 3)
    return _loose_triangles(corners.astype(np.float64))


def _parse_text(content: bytes, limits: Limits) -> Surface:
    check_count(content.count(b"endfacet"), limits)
    words = _VERTEX.findall(content)
    if len(words) % 3 or len(words) != 3 * content.count(b"endfacet") or b"endsolid" not in content[-400:]:
        raise SurfaceUnreadable("The STL ends early.")
    try:
        return _loose_triangles(np.array(words, dtype="S40").astype(np.float64).reshape(-1, 3))
    except ValueError as error:
        raise SurfaceUnreadable("A corner in the STL is not a number.") from error


def _loose_triangles(corners_mm: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Surface:
    return Surface(corners_mm, np.arange(len(corners_mm), dtype=np.int64).reshape(-1, 3))
