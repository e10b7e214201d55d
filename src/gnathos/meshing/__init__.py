"""From a field to a mesh: surface, smoothing, decimation within a measured error, files."""

from gnathos.meshing.decimate import decimate
from gnathos.meshing.formats import KEEPS_PARTS_APART, Part, Provenance, read_stl, rounding_mm, write_mesh, write_stl
from gnathos.meshing.merge import merge_fields
from gnathos.meshing.mesh import Mesh
from gnathos.meshing.smooth import smooth
from gnathos.meshing.solid import is_manifold, part_corners, parting_mm
from gnathos.meshing.surface import surface_from_field

__all__ = [
    "KEEPS_PARTS_APART",
    "Mesh",
    "Part",
    "Provenance",
    "decimate",
    "is_manifold",
    "merge_fields",
    "part_corners",
    "parting_mm",
    "read_stl",
    "rounding_mm",
    "smooth",
    "surface_from_field",
    "write_mesh",
    "write_stl",
]
