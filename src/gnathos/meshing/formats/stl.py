"""Binary STL."""

from pathlib import Path

import numpy as np

from gnathos.meshing.mesh import Mesh

RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
HEADER_BYTES = 80


def write_stl(mesh: Mesh, path: Path, header: str = "") -> None:
    """Write binary STL in LPS millimetres with outward unit normals.

    Args:
        mesh: what to write.
        path: made or replaced.
        header: up to 80 ASCII characters; must not begin with `solid`, which marks the text form.
    """
    corners = mesh.vertices_lps_mm[mesh.faces]
    records = np.zeros(len(corners), RECORD)
    records["corners"] = corners
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    records["normal"] = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    with path.open("wb") as file:
        file.write(header.encode("ascii", "replace")[:HEADER_BYTES].ljust(HEADER_BYTES, b" "))
        file.write(np.uint32(len(records)).tobytes())
        file.write(records.tobytes())


def read_stl(path: Path) -> Mesh:
    """Read a binary STL, equal corners joined.

    Raises:
        ValueError: it is not binary STL, or its length is not what its triangle count says.
    """
    content = path.read_bytes()
    count = int.from_bytes(content[HEADER_BYTES : HEADER_BYTES + 4], "little")
    expected = HEADER_BYTES + 4 + count * RECORD.itemsize
    if len(content) != expected:
        raise ValueError(f"binary STL with {count} triangles has {expected} bytes, this file has {len(content)}")
    records = np.frombuffer(content, RECORD, offset=HEADER_BYTES + 4)
    vertices, faces = np.unique(records["corners"].reshape(-1, 3), axis=0, return_inverse=True)
    return Mesh(vertices, faces.reshape(-1, 3).astype(np.int32))
