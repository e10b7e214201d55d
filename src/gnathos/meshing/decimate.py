"""Fewer triangles, within a distance that is proven."""

import itertools
from dataclasses import dataclass, replace
from functools import cached_property

import fast_simplification
import numpy as np
import numpy.typing as npt

from gnathos.meshing.laying import UNKNOWN
from gnathos.meshing.mesh import Mesh
from gnathos.meshing.proof import Proof
from gnathos.meshing.triangles import Flags, Indices, any_of_three

QUADRIC_PER_SQUARE = 20.0
"""Quadric error up to which edges are collapsed at first, in squares of the bound. It sums the squared distances to
many planes; with this share about one triangle in a hundred strays beyond the bound and is made finer again."""
STEEPNESS = 3.0
"""The quadric error allowed grows over fast-simplification's hundred passes, as their number to this power. Lower than
its usual 7: what is flat goes in the first passes, which makes the others quicker, and no more triangles are left."""
_LAST_THRESHOLD = 1e-9 * 103**STEEPNESS
"""Quadric error allowed in the last of the passes, in squares of the unit."""
FINER = 2.0
"""Times the triangles that a place gets when it strayed, against what it had before."""
MOST_ROUNDS = 10
"""Of making finer; places that have not come right by then get their own triangles back."""


@dataclass(frozen=True)
class _Thinned:
    """A mesh some of whose corners have been drawn together."""

    original: Mesh
    places_mm: npt.NDArray[np.float32]
    """(k, 3) of the corners that are left."""
    corner_of: Indices
    """(n,) which of those each corner of the original belongs to."""
    times_undone: Indices
    """(k,) how often collapses have been undone there."""

    @cached_property
    def sources(self) -> Indices:
        """(m,) which of the original's faces are left: with three corners, and no other face on it."""
        drawn = self.corner_of[self.original.faces]
        left = np.flatnonzero(~any_of_three(drawn == np.roll(drawn, 1, axis=1)))
        return left[~_are_folded(drawn[left])]

    @cached_property
    def faces(self) -> Indices:
        """(m, 3)."""
        return np.asarray(self.corner_of[self.original.faces[self.sources]])

    @property
    def is_collapsed(self) -> Flags:
        """(k,) whether several corners of the original have been drawn together there."""
        return np.bincount(self.corner_of, minlength=len(self.places_mm)) > 1

    def mesh(self) -> Mesh:
        """As a mesh, without the corners that no triangle has."""
        used, faces = _numbered(self.faces, len(self.places_mm))
        return Mesh(self.places_mm[used], faces.astype(np.int32))


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
    proof = Proof(mesh, max_error_mm)
    for round_number in itertools.count():
        strayed = _strayed(thinned, proof)
        if not strayed.any():
            break
        if not thinned.is_collapsed[strayed].any():
            return mesh
        again = _done_again(thinned, strayed, may_collapse=round_number < MOST_ROUNDS)
        proof.replace(_places_in(again, thinned), len(again.faces))
        thinned = again
    return thinned.mesh()


def _collapse_all(mesh: Mesh, max_error_mm: float) -> _Thinned:
    scale = np.sqrt(_LAST_THRESHOLD / QUADRIC_PER_SQUARE) / max_error_mm
    corners = np.arange(len(mesh.vertices_lps_mm))
    whole = _Thinned(mesh, mesh.vertices_lps_mm, corners, np.zeros_like(corners))
    everywhere = np.ones(len(mesh.faces), np.bool_)
    return _collapse(whole, everywhere, 4, scale, STEEPNESS)


def _collapse(thinned: _Thinned, chosen: Flags, target: int, scale: float = 1.0, steepness: float = 7.0) -> _Thinned:
    """Collapse edges of some faces; the border between them and the others stays.

    Args:
        thinned: the mesh.
        chosen: (m,) by face.
        target: number of faces to be left of those, at least.
        scale: what places are multiplied with for it; sets the largest quadric error.
        steepness: how the quadric error allowed grows over the passes.
    """
    used, faces = _numbered(thinned.faces[chosen], len(thinned.places_mm))
    places = thinned.places_mm[used].astype(np.float64) * scale
    left_mm, _, collapses = fast_simplification.simplify(
        places, faces.astype(np.int32), None, target, steepness, return_collapses=True, preserve_border=True
    )
    into = np.arange(len(thinned.places_mm))
    into[used[collapses[:, 1]]] = used[collapses[:, 0]]
    while not np.array_equal(into, into[into]):
        into = into[into]
    corners = into[used][faces]
    corners = corners[~any_of_three(corners == np.roll(corners, 1, axis=1))]
    moved = thinned.places_mm.copy()
    moved[np.unique(corners)] = left_mm / scale
    return replace(thinned, places_mm=moved, corner_of=into[thinned.corner_of])


def _numbered(faces: Indices, count: int) -> tuple[Indices, Indices]:
    """Which of the corners are used, and faces by their places among those."""
    is_used = np.zeros(count, np.bool_)
    is_used[faces] = True
    return np.flatnonzero(is_used), (np.cumsum(is_used) - 1)[faces]


def _strayed(thinned: _Thinned, proof: Proof) -> Flags:
    """(k,) corners where the surfaces are not shown to be near, or the mesh is not closed, and their neighbours."""
    faces = thinned.faces
    strayed = np.zeros(len(thinned.places_mm), np.bool_)
    strayed[_torn(faces, len(strayed))] = True
    found = proof.doubts(Mesh(thinned.places_mm, faces.astype(np.int32)))
    strayed[thinned.corner_of[thinned.original.faces[found.first]]] = True
    strayed[faces[found.second]] = True
    strayed[faces[any_of_three(strayed[faces])]] = True
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


def _are_folded(faces: Indices) -> Flags:
    """(m,) whether another face has the same three corners: two that enclose nothing."""
    order = np.lexsort(np.sort(faces, axis=1).T)
    ordered = np.sort(faces, axis=1)[order]
    same = (ordered[1:] == ordered[:-1]).all(axis=1)
    folded = np.zeros(len(faces), np.bool_)
    folded[order[1:][same]] = folded[order[:-1][same]] = True
    return folded


def _done_again(thinned: _Thinned, strayed: Flags, may_collapse: bool) -> _Thinned:
    """Give the corners that strayed their own places back, and collapse there less far, the more often it is done."""
    taken = any_of_three(strayed[thinned.faces])
    target = int((FINER ** (1.0 + thinned.times_undone[thinned.faces[taken]].max(axis=1))).sum())
    undone = np.flatnonzero(strayed[thinned.corner_of])
    count = len(thinned.places_mm)
    times_undone = np.concatenate([thinned.times_undone, thinned.times_undone[thinned.corner_of[undone]] + 1])
    corner_of = thinned.corner_of.copy()
    corner_of[undone] = count + np.arange(len(undone))
    places_mm = np.concatenate([thinned.places_mm, thinned.original.vertices_lps_mm[undone]])
    again = _Thinned(thinned.original, places_mm, corner_of, times_undone)
    chosen = any_of_three(again.faces >= count)
    return _collapse(again, chosen, target) if may_collapse and target < chosen.sum() else again


def _places_in(again: _Thinned, before: _Thinned) -> Indices:
    """By face of one mesh, which face of the other is the very same; `UNKNOWN`: none."""
    position = np.full(len(before.original.faces), UNKNOWN)
    position[again.sources] = np.arange(len(again.sources))
    places = position[before.sources]
    is_moved = (again.places_mm[: len(before.places_mm)] != before.places_mm).any(axis=1)
    is_same = (again.faces[places] == before.faces).all(axis=1) & ~is_moved[before.faces].any(axis=1)
    return np.where(is_same, places, UNKNOWN)
