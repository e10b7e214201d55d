"""Mesh files: one writer a format, the same meshes giving the same bytes."""

from collections.abc import Callable, Sequence
from pathlib import Path

from gnathos.meshing.formats.draco import draco_rounding_mm, write_draco
from gnathos.meshing.formats.glb import write_glb
from gnathos.meshing.formats.obj import write_obj
from gnathos.meshing.formats.part import Part
from gnathos.meshing.formats.ply import write_ply
from gnathos.meshing.formats.provenance import Provenance
from gnathos.meshing.formats.stl import read_stl, write_stl
from gnathos.meshing.mesh import Mesh

_WRITERS: dict[str, Callable[[Part, Path, Provenance], None]] = {
    ".stl": lambda part, path, provenance: write_stl(part.mesh, path, provenance.header()),
    ".ply": write_ply,
    ".obj": write_obj,
    ".drc": write_draco,
}

KEEPS_PARTS_APART = ".glb"
"""Holds a mesh for each structure; the other formats hold one, and several structures are merged in it."""

__all__ = ["KEEPS_PARTS_APART", "Part", "Provenance", "read_stl", "rounding_mm", "write_mesh", "write_stl"]


def write_mesh(parts: Sequence[Part], path: Path, provenance: Provenance) -> None:
    """Write meshes in the format that the path's extension says.

    Args:
        parts: one, or for `.glb` at least one.
        path: made or replaced.
        provenance: goes into the file as far as the format has room.
    """
    if path.suffix == KEEPS_PARTS_APART:
        write_glb(parts, path, provenance)
    else:
        (part,) = parts
        _WRITERS[path.suffix](part, path, provenance)


def rounding_mm(mesh: Mesh, extension: str) -> float:
    """How far a format may move a point of a mesh: none but Draco rounds 32-bit floats."""
    return draco_rounding_mm(mesh) if extension == ".drc" else 0.0
