"""Fewer triangles, within a distance that is proven."""

from dataclasses import dataclass, replace
from itertools import chain

import fast_simplification
import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from gnathos.meshing.mesh import Mesh
from gnathos.meshing.proof import doubts

Flags = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]

QUADRIC_PER_SQUARE = 20.0
"""Quadric error up to which edges are collapsed at first, in squares of the bound. It sums the squared distances to
many planes; with this share about one triangle in a hundred strays beyond the bound and is made finer again."""
_LAST_THRESHOLD = 1e-9 * 103**7
"""Quadric error that fast-simplification allows in the last of its hundred passes, in squares of its unit."""
FINER = 2.0
"""Times the triangles that a place gets when it strayed, against what it had before."""
MOST_ROUNDS = 10
"""Of making finer; what has not come right by then gets its own triangles back."""


@dataclass(frozen=True)
class _Thinned:
    """A mesh some of whose corners have been drawn together."""

    original: Mesh
    places_mm: npt.NDArray[np.float32]
    """(k, 3) of the corners that are left."""
    corner_of: Indices
    """(n,) which of those each corner of the original belongs to."""

    def faces(self) -> Indices:
        """(m, 3): the original's that have three different corners left."""
        drawn = self.corner_of[self.original.faces]
        return np.asarray(drawn[(drawn != np.roll(drawn, 1, axis=1)).all(axis=1)])

    def mesh(self) -> Mesh:
        """As a mesh, without the corners that no triangle has."""
        used, faces = np.unique(self.faces(), return_inverse=True)
        return Mesh(self.places_mm[used], faces.reshape(-1, 3).astype(np.int32))


@dataclass(frozen=True)
class _Asked:
    """For which faces it has to be shown that they are near: a proof holds as long as the faces that it names do."""

    fine: Flags
    """By face of the original."""
    coarse: Flags
    """By face that is left."""


def decimate(mesh: Mesh, max_error_mm: float) -> Mesh:
    """Remove triangles; each point of either surface stays within a distance of the other, which is proven.

    Edges are collapsed as far as their quadric error seems to allow. Where the surfaces then are not shown to be
    within the bound, or are not closed any more, the collapses are undone and done again less far.

    Args:
        mesh: watertight.
        max_error_mm: 0 leaves the mesh as it is.

    Returns:
        A watertight mesh.

    Source: quadric error metrics (Garland and Heckbert 1997), as in fast-simplification; the proof: see `proof`.
    """
    if max_error_mm <= 0 or not mesh.is_watertight:
        return mesh
    thinned = _collapse_all(mesh, max_error_mm)
    asked = _Asked(np.ones(len(mesh.faces), np.bool_), np.ones(len(thinned.faces()), np.bool_))
    for round_number in range(MOST_ROUNDS + 1):
        strayed = _strayed(thinned, asked, max_error_mm)
        if not strayed.any():
            return thinned.mesh()
        finer = FINER ** (round_number + 1) if round_number < MOST_ROUNDS else np.inf
        thinned, asked = _done_again(thinned, strayed, finer, max_error_mm)
    return mesh


def _collapse_all(mesh: Mesh, max_error_mm: float) -> _Thinned:
    scale = np.sqrt(_LAST_THRESHOLD / QUADRIC_PER_SQUARE) / max_error_mm
    whole = _Thinned(mesh, mesh.vertices_lps_mm, np.arange(len(mesh.vertices_lps_mm)))
    everywhere = np.ones(len(mesh.faces), np.bool_)
    return _collapse(whole, everywhere, 4, scale)


def _collapse(thinned: _Thinned, chosen: Flags, target: int, scale: float = 1.0) -> _Thinned:
    """Collapse edges of some faces; the border between them and the others stays.

    Args:
        thinned: the mesh.
        chosen: (m,) by face.
        target: number of faces to be left of those, at least.
        scale: what places are multiplied with for it; sets the largest quadric error.
    """
    used, faces = np.unique(thinned.faces()[chosen], return_inverse=True)
    places = thinned.places_mm[used].astype(np.float64) * scale
    left_mm, _, collapses = fast_simplification.simplify(
        places, faces.reshape(-1, 3).astype(np.int32), target_count=target, return_collapses=True, preserve_border=True
    )
    into = np.arange(len(thinned.places_mm))
    into[used[collapses[:, 1]]] = used[collapses[:, 0]]
    while not np.array_equal(into, into[into]):
        into = into[into]
    corners = into[used][faces.reshape(-1, 3)]
    corners = corners[(corners != np.roll(corners, 1, axis=1)).all(axis=1)]
    moved = thinned.places_mm.copy()
    moved[np.unique(corners)] = left_mm / scale
    return replace(thinned, places_mm=moved, corner_of=into[thinned.corner_of])


def _strayed(thinned: _Thinned, asked: _Asked, max_error_mm: float) -> Flags:
    """(k,) corners where the surfaces are not shown to be near, or the mesh is not closed, and their neighbours."""
    faces = thinned.faces()
    strayed = np.zeros(len(thinned.places_mm), np.bool_)
    strayed[_torn(faces, len(strayed))] = True
    coarse = Mesh(thinned.places_mm, faces.astype(np.int32))
    found = doubts(thinned.original, coarse, max_error_mm, asked.fine, asked.coarse)
    strayed[thinned.corner_of[thinned.original.faces[found.first]]] = True
    strayed[faces[found.second]] = True
    if strayed.any():
        strayed[faces[strayed[faces].any(axis=1)]] = True
    return strayed


def _torn(faces: Indices, count: int) -> Indices:
    """Corners of edges that do not join two triangles running along them in opposite directions."""
    edges = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    keys, uses = _counted(edges[:, 0] * count + edges[:, 1])
    backward, _ = _counted(edges[:, 1] * count + edges[:, 0])
    torn = np.concatenate([keys[uses > 1], np.setxor1d(keys, backward, assume_unique=True)])
    return np.concatenate(np.divmod(torn, count))


def _counted(keys: Indices) -> tuple[Indices, Indices]:
    """Sorted, each once, and how often each comes."""
    ordered = np.sort(keys)
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return ordered[starts], np.diff(np.append(starts, len(ordered)))


def _done_again(thinned: _Thinned, strayed: Flags, finer: float, max_error_mm: float) -> tuple[_Thinned, _Asked]:
    """Give the corners that strayed their own places back, and collapse there less far.

    Returns:
        What comes of it, and for which faces it has to be shown anew that they are near.
    """
    faces = thinned.faces()
    taken = faces[strayed[faces].any(axis=1)]
    asked_fine = _faces_near(thinned.original, thinned.places_mm.astype(np.float64)[taken], max_error_mm)
    undone = np.flatnonzero(strayed[thinned.corner_of])
    count = len(thinned.places_mm)
    corner_of = thinned.corner_of.copy()
    corner_of[undone] = count + np.arange(len(undone))
    places_mm = np.concatenate([thinned.places_mm, thinned.original.vertices_lps_mm[undone]])
    again = _Thinned(thinned.original, places_mm, corner_of)
    chosen = np.asarray((again.faces() >= count).any(axis=1))
    if finer * len(taken) < chosen.sum():
        again = _collapse(again, chosen, int(finer * len(taken)))
    return again, _Asked(asked_fine, np.asarray((again.faces() >= count).any(axis=1)))


def _faces_near(mesh: Mesh, corners: npt.NDArray[np.float64], distance_mm: float) -> Flags:
    """(n,) at least those faces that lie within a distance of (m, 3 corners, 3) triangles."""
    triangles = mesh.triangles_lps_mm
    longest_mm = np.linalg.norm(triangles - np.roll(triangles, 1, axis=1), axis=2).max(initial=0.0)
    middles = corners.mean(axis=1)
    radii_mm = np.linalg.norm(corners - middles[:, None], axis=2).max(axis=1)
    reached = KDTree(mesh.vertices_lps_mm).query_ball_point(middles, radii_mm + distance_mm + longest_mm)
    near = np.zeros(len(mesh.vertices_lps_mm), np.bool_)
    near[np.fromiter(chain.from_iterable(reached), np.int64)] = True
    return np.asarray(near[mesh.faces].any(axis=1))
