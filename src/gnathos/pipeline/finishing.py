"""The last steps to a mesh, as its options say."""

from dataclasses import dataclass

from gnathos.meshing import Mesh, decimate, is_manifold, part_corners, parting_mm, rounding_mm
from gnathos.pipeline.options import MeshOptions

_ERRORS_TRIED_MM = (0.01, 0.03, 0.1, 0.3, 1.0)
"""For a share of triangles to remove, which the older versions name instead of an error."""

_COARSEST_FORMAT = ".drc"


@dataclass(frozen=True)
class Finished:
    """A mesh to be delivered, and what is known of it."""

    mesh: Mesh
    max_error_mm: float
    """No point of it, as any format holds it, is further from the surface, nor any of the surface from it."""
    is_manifold: bool


def finish(surface: Mesh, options: MeshOptions) -> Finished:
    """Decimate a surface, and part corners that files would join, where a manifold is wanted."""
    rounding = rounding_mm(surface, _COARSEST_FORMAT) + (parting_mm(surface) if options.make_manifold else 0.0)
    mesh, error_mm = _decimated(surface, options, rounding)
    if options.make_manifold:
        mesh = part_corners(mesh)
    return Finished(mesh, error_mm, is_manifold(mesh))


def _decimated(surface: Mesh, options: MeshOptions, kept_back_mm: float) -> tuple[Mesh, float]:
    """The mesh and its error, of which some is kept back for what comes after."""
    if options.decimation_share is None:
        allowed_mm = options.decimate_max_error_mm - kept_back_mm
        if allowed_mm <= 0:
            return surface, kept_back_mm
        return decimate(surface, allowed_mm), options.decimate_max_error_mm
    mesh, reached_mm = surface, kept_back_mm
    for error_mm in _ERRORS_TRIED_MM:
        if len(mesh.faces) <= (1 - options.decimation_share) * len(surface.faces):
            break
        mesh, reached_mm = decimate(surface, error_mm), error_mm + kept_back_mm
    return mesh, reached_mm
