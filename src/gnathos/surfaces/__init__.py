"""Surface scans in: intra-oral and facial meshes, checked, and mended where that is harmless."""

from gnathos.surfaces.read import read_surface
from gnathos.surfaces.surface import Surface

__all__ = ["Surface", "read_surface"]
