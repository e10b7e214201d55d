"""From a field to a mesh: surface, smoothing, decimation within a measured error, files."""

from gnathos.meshing.decimate import decimate, measured_error_mm
from gnathos.meshing.merge import merge_fields
from gnathos.meshing.mesh import Mesh
from gnathos.meshing.smooth import smooth
from gnathos.meshing.stl import read_stl, write_stl
from gnathos.meshing.surface import surface_from_field

__all__ = [
    "Mesh",
    "decimate",
    "measured_error_mm",
    "merge_fields",
    "read_stl",
    "smooth",
    "surface_from_field",
    "write_stl",
]
