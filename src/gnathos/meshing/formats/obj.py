"""Wavefront OBJ."""

from pathlib import Path

from gnathos.meshing.formats.part import Part
from gnathos.meshing.formats.provenance import Provenance


def write_obj(part: Part, path: Path, provenance: Provenance) -> None:
    """Write OBJ in LPS millimetres; nine digits, which is what gives every 32-bit float back."""
    vertices, faces = part.mesh.vertices_lps_mm, part.mesh.faces
    with path.open("w", encoding="ascii", errors="replace", newline="\n") as file:
        file.writelines(f"# {line}\n" for line in provenance.lines())
        file.write(f"o {part.name}\n")
        file.write("v %.9g %.9g %.9g\n" * len(vertices) % tuple(vertices.ravel().tolist()))
        file.write("f %d %d %d\n" * len(faces) % tuple((faces + 1).ravel().tolist()))
