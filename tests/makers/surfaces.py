"""Mesh files, good and bad, as bytes."""

import io
import struct
import zipfile

import numpy as np
import numpy.typing as npt

CORNERS = np.array([(0, 0, 0), (30, 0, 0), (0, 40, 0), (0, 0, 50)], dtype=float)
FACES = np.array([(0, 2, 1), (0, 1, 3), (1, 2, 3), (0, 3, 2)])
VOLUME_ML = 30 * 40 * 50 / 6 / 1000


def binary_stl(header: bytes = b"solid of some program", declared: int | None = None) -> bytes:
    records = b"".join(struct.pack("<12fH", 0, 0, 0, *CORNERS[face].ravel(), 0) for face in FACES)
    return header.ljust(80) + struct.pack("<I", len(FACES) if declared is None else declared) + records


def text_stl(end: bytes = b"endsolid tetrahedron\n") -> bytes:
    facets = []
    for face in FACES:
        corners = "".join(f"   vertex {x:e} {y} {z}\n" for x, y, z in CORNERS[face])
        facets.append(f" facet normal 0 0 0\n  outer loop\n{corners}  endloop\n endfacet\n")
    return b"solid tetrahedron\n" + "".join(facets).encode() + end


def ply(
    order: str = "<",
    corners: npt.NDArray[np.float64] = CORNERS,
    faces: npt.NDArray[np.int64] = FACES,
    declared: int = 0,
) -> bytes:
    """Binary, with an element and a list that a reader has to pass over."""
    name = {"<": "little", ">": "big"}[order]
    header = (
        f"ply\nformat binary_{name}_endian 1.0\ncomment made\nelement camera 1\nproperty double where\n"
        f"element vertex {len(corners)}\nproperty float x\nproperty float y\nproperty float z\nproperty uchar red\n"
        f"element face {declared or len(faces)}\nproperty list uchar int vertex_indices\n"
        "property list uchar float texcoord\nend_header\n"
    )
    body = struct.pack(f"{order}d", 1.5)
    body += b"".join(struct.pack(f"{order}3fB", *corner, 200) for corner in corners)
    body += b"".join(struct.pack(f"{order}B3iB2f", 3, *face, 2, 0.5, 0.5) for face in faces)
    return header.encode() + body


def text_ply(face_lines: str = "") -> bytes:
    lines = face_lines or "".join(f"3 {a} {b} {c}\n" for a, b, c in FACES)
    count = lines.count("\n")
    header = (
        "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
        f"element face {count}\nproperty list uchar int vertex_index\nend_header\n"
    )
    return (header + "".join(f"{x} {y} {z}\n" for x, y, z in CORNERS) + lines).encode()


def obj(faces: str = "") -> bytes:
    vertices = "".join(f"v {x} {y} {z}\n" for x, y, z in CORNERS)
    lines = faces or "".join(f"f {a + 1}/1/1 {b + 1}/1/1 {c + 1}/1/1\n" for a, b, c in FACES)
    return ("# a comment\nmtllib scan.mtl\n" + vertices + "vt 0 0\nvn 0 0 1\nusemtl skin\ns off\n" + lines).encode()


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()
