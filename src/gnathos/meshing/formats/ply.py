"""Binary PLY.

Source: Turk 1994, "The PLY polygon file format".
"""

from pathlib import Path

import numpy as np

from gnathos.meshing.formats.part import Part
from gnathos.meshing.formats.provenance import Provenance

_FACE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])


def write_ply(part: Part, path: Path, provenance: Provenance) -> None:
    """Write little-endian PLY in LPS millimetres; places as 32-bit floats, provenance as comments."""
    vertices = part.mesh.vertices_lps_mm.astype("<f4")
    faces = np.empty(len(part.mesh.faces), _FACE)
    faces["count"] = 3
    faces["corners"] = part.mesh.faces
    header = [
        "ply",
        "format binary_little_endian 1.0",
        *(f"comment {line}" for line in provenance.lines()),
        f"element vertex {len(vertices)}",
        *(f"property float {axis}" for axis in "xyz"),
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "end_header\n",
    ]
    with path.open("wb") as file:
        file.write("\n".join(header).encode("ascii", "replace"))
        file.write(vertices.tobytes())
        file.write(faces.tobytes())
