"""What is in a mesh file, as far as a check needs it."""

import struct
from collections import Counter

from gnathos.conformance.verdicts import require

STL_HEAD, STL_TRIANGLE = 84, 50

BEGINNINGS = {".ply": b"ply", ".drc": b"DRACO", ".glb": b"glTF"}
"""Of files of these formats; STL and OBJ have none."""


def require_format(content: bytes, extension: str) -> None:
    """Go on only if it is a mesh of that format.

    Raises:
        Broken: it is not.
    """
    if extension == ".stl":
        triangle_count(content)
    elif extension == ".obj":
        kinds = {line.split(b" ", 1)[0] for line in content.splitlines()}
        require({b"v", b"f"} <= kinds, "the file has no vertices or no faces, as an OBJ has")
    else:
        beginning = BEGINNINGS[extension]
        require(content.startswith(beginning), f"the file begins with {content[:8]!r}, not with {beginning!r}")


def triangle_count(stl: bytes) -> int:
    """The triangles of a binary STL.

    Raises:
        Broken: it is none, or its size is not that of so many triangles.
    """
    require(len(stl) > STL_HEAD, f"a binary STL has more than {STL_HEAD} bytes; this has {len(stl)}")
    (count,) = struct.unpack_from("<I", stl, 80)
    require(
        count > 0 and len(stl) == STL_HEAD + STL_TRIANGLE * count,
        f"the STL declares {count} triangles, and has {len(stl)} bytes",
    )
    return int(count)


def open_edges(stl: bytes) -> int:
    """How many edges of a binary STL are not shared by two triangles that run along it in opposite directions."""
    edges: Counter[tuple[bytes, bytes]] = Counter()
    for index in range(triangle_count(stl)):
        start = STL_HEAD + STL_TRIANGLE * index + 12
        a, b, c = (stl[start + 12 * corner : start + 12 * corner + 12] for corner in range(3))
        edges.update(((a, b), (b, c), (c, a)))
    return sum(count != 1 or edges[edge[1], edge[0]] != 1 for edge, count in edges.items())
