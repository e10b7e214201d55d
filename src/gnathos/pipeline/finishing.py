"""The last steps to a mesh, as its options say."""

from gnathos.meshing import Mesh, decimate, rounding_mm
from gnathos.pipeline.options import MeshOptions

_ERRORS_TRIED_MM = (0.01, 0.03, 0.1, 0.3, 1.0)
"""For a share of triangles to remove, which the older versions name instead of an error."""

_COARSEST_FORMAT = ".drc"


def finish(surface: Mesh, options: MeshOptions) -> Mesh:
    """Decimate a surface."""
    if options.decimation_share is None:
        kept_back_mm = rounding_mm(surface, _COARSEST_FORMAT)  # so that the same mesh can be written in any format
        return decimate(surface, max(options.decimate_max_error_mm - kept_back_mm, 0.0))
    mesh = surface
    for error_mm in _ERRORS_TRIED_MM:
        if len(mesh.faces) <= (1 - options.decimation_share) * len(surface.faces):
            break
        mesh = decimate(surface, error_mm)
    return mesh
