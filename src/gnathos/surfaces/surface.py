"""A surface, and what makes a parsed mesh one."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gnathos.errors import SurfaceTooLarge, SurfaceUnreadable
from gnathos.imaging.limits import Limits

FARTHEST_MM = 1e6
"""Coordinates beyond this are damage."""

SMALLEST_MM, LARGEST_MM = 10.0, 1000.0
"""Outside of this a surface of a mouth or a face is probably not in millimetres."""


@dataclass(frozen=True)
class Surface:
    """Triangles in the file's own frame, taken for millimetres."""

    vertices_mm: npt.NDArray[np.float64]
    """(n, 3)."""
    faces: npt.NDArray[np.int64]
    """(m, 3) indices of vertices."""
    has_texture: bool = False
    """Whether the file also describes colours; they are not read."""
    notes: tuple[dict[str, str], ...] = ()
    """What was mended and what is odd: each a `code` and a `detail` sentence."""


def check_surface(parsed: Surface, limits: Limits) -> Surface:
    """Check a parsed mesh and mend it where nobody could mind: see `_mended`.

    Raises:
        SurfaceUnreadable: it has no triangles, indices that lead nowhere, or places that are not numbers.
        SurfaceTooLarge: it has more triangles than the limits accept.
    """
    check_count(len(parsed.faces), limits)
    if not len(parsed.faces) or not len(parsed.vertices_mm):
        raise SurfaceUnreadable("The mesh has no triangles.")
    if parsed.faces.min() < 0 or parsed.faces.max() >= len(parsed.vertices_mm):
        raise SurfaceUnreadable("A triangle of the mesh names a corner that does not exist.")
    corners = parsed.vertices_mm[np.unique(parsed.faces)]
    if not np.isfinite(corners).all() or np.abs(corners).max() > FARTHEST_MM:
        raise SurfaceUnreadable("A corner of the mesh does not lie at a usable place.")
    mended = _mended(parsed)
    return replace(mended, notes=(*mended.notes, *_oddities(mended)))


def check_count(triangles: int, limits: Limits) -> None:
    """Refuse a declared number of triangles before they are read.

    Raises:
        SurfaceTooLarge: it is over the limit.
    """
    if triangles > limits.max_triangles:
        raise SurfaceTooLarge(f"The mesh has {triangles} triangles; at most {limits.max_triangles} are accepted.")


def _mended(surface: Surface) -> Surface:
    """Corners at the same place joined; triangles without area or given twice, and corners of none, left out."""
    used, faces = np.unique(surface.faces, return_inverse=True)
    vertices_mm, joined = np.unique(surface.vertices_mm[used].astype(np.float32), axis=0, return_inverse=True)
    faces = joined.ravel()[faces.reshape(-1, 3)]
    first, second, third = faces.T
    whole = faces[(first != second) & (second != third) & (third != first)]
    _, kept = np.unique(np.sort(whole, axis=1), axis=0, return_index=True)
    if not len(kept):
        raise SurfaceUnreadable("The mesh has no triangles with an area.")
    left, renumbered = np.unique(whole[np.sort(kept)], return_inverse=True)
    dropped = len(surface.faces) - len(kept)
    notes = [_note("triangles_left_out", f"{dropped} triangles without area or given twice were left out.")]
    return replace(
        surface,
        vertices_mm=vertices_mm[left].astype(np.float64),
        faces=renumbered.reshape(-1, 3).astype(np.int64),
        notes=(*surface.notes, *(notes if dropped else ())),
    )


def _oddities(surface: Surface) -> list[dict[str, str]]:
    notes = []
    extent_mm = float(np.ptp(surface.vertices_mm, axis=0).max())
    if not SMALLEST_MM <= extent_mm <= LARGEST_MM:
        detail = f"The mesh measures {extent_mm:.3g} across; meshes are taken for millimetres."
        notes.append(_note("unit_unclear", detail))
    if surface.has_texture:
        notes.append(_note("texture_left_out", "Colours and texture of the mesh are not read."))
    return notes


def _note(code: str, detail: str) -> dict[str, str]:
    return {"code": code, "detail": detail}
