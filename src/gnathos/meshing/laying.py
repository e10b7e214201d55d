"""Proof that two closed surfaces lie within a distance of each other: of every point, not of samples.

Each corner of the one surface is given a triangle of the other that it is near to. Nothing more is needed where

1. each corner lies within the bound of its triangle,
2. each edge between corners of two triangles comes within the bound of an edge or a corner that these two share,
3. each face between corners of three triangles comes within the bound of a corner that all three share.

For then every face can be cut, where its edges come near and around where it comes near, into pieces that have all
their corners near to points of one triangle. Pieces and triangles are convex, so that each piece, laid into its
triangle by its corners, is moved by no more than the bound; and since the cuts are laid on what triangles share,
pieces that meet stay together. So the whole surface is laid onto the other, nowhere further than the bound.

The other way round: a closed surface that is laid onto another covers each of its triangles as often as the next,
counted with the sign of its facing (the degree of the map). How often is counted at the triangle's edges: there the
cuts run, from corner to corner, and they can only end at the faces of the third kind. Not zero times: each point of
the triangle has been laid there from within the bound.

Faces for which one of the three does not hold are cut finer, and their new corners are given triangles, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gnathos.meshing.mesh import Mesh
from gnathos.meshing.nearness import NEAR_ENOUGH, Nearness
from gnathos.meshing.triangles import EDGES, Flags, Floats, Indices, any_of_three

MOST_CUTS = 4
"""Times that a face is cut finer at a time."""
SHORTEST = 0.25
"""Share of the bound below which the side of a face is not cut."""
UNKNOWN = -1
_CHILDREN = (
    ((0, 1, 6), (1, 2, 6), (2, 0, 6)),
    ((0, 3, 2), (3, 1, 2)),
    ((1, 4, 0), (4, 2, 0)),
    ((3, 1, 4), (0, 3, 4), (0, 4, 2)),
    ((2, 5, 1), (5, 0, 1)),
    ((5, 0, 3), (2, 5, 3), (2, 3, 1)),
    ((4, 2, 5), (1, 4, 5), (1, 5, 0)),
    ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5)),
)
"""What a face is cut into, by which of its sides are cut (1, 2 and 4 added up): its corners are 0 to 2, the new ones on
its sides 3 to 5; 6 lies within, and is there where no side is cut."""


@dataclass(frozen=True)
class _Faces:
    """Faces that are laid, or to be laid."""

    corners: Indices
    """(k, 3) places in the list of points."""
    roots: Indices
    """(k,) which face of the fine mesh each is a part of."""
    middles: Indices
    """(k,) the coarse corner around which a face of three triangles is laid; `UNKNOWN` for others."""

    def chosen(self, flags: Flags) -> "_Faces":
        return _Faces(self.corners[flags], self.roots[flags], self.middles[flags])

    @staticmethod
    def joined(parts: Sequence["_Faces"]) -> "_Faces":
        return _Faces(
            np.concatenate([part.corners for part in parts]),
            np.concatenate([part.roots for part in parts]),
            np.concatenate([part.middles for part in parts]),
        )


class Laying:
    """A fine surface, cut finer where needed, and the coarse triangle that each of its corners is given."""

    def __init__(self, fine: Mesh) -> None:
        self.points: Floats = fine.vertices_lps_mm.astype(np.float64)
        self.owners: Indices = np.full(len(self.points), UNKNOWN)
        count = len(fine.faces)
        self._faces = _Faces(fine.faces.astype(np.int64), np.arange(count), np.full(count, UNKNOWN))
        self._is_laid: Flags = np.zeros(count, np.bool_)
        self._fine_count = count

    def lay(self, target: "Target") -> tuple[Flags, Flags]:
        """Lay what is not laid yet.

        Returns:
            By fine face, whether it is laid; by coarse triangle, whether what is laid covers it.
        """
        self._give(np.flatnonzero(self.owners == UNKNOWN), target)
        laid, lost = self._laid_and_lost(target)
        self._faces = _Faces.joined([laid, lost])
        self._is_laid = np.arange(len(self._faces.roots)) < len(laid.roots)
        threes = np.flatnonzero(laid.middles != UNKNOWN)
        is_covered = target.are_covered(self.owners[laid.corners[threes]], laid.middles[threes])
        owners = self.owners[lost.corners]
        is_covered[owners[owners != UNKNOWN]] = False
        is_laid = np.ones(self._fine_count, np.bool_)
        is_laid[lost.roots] = False
        return is_laid, is_covered

    def replace(self, places: Indices) -> None:
        """Coarse triangles are replaced: corners around those that are no more will be given others.

        Args:
            places: by coarse face its place from now on; `UNKNOWN`: it is no more. Corners of the mesh keep theirs.
        """
        known = self.owners != UNKNOWN
        self.owners[known] = places[self.owners[known]]
        around = any_of_three((self.owners == UNKNOWN)[self._faces.corners])
        self.owners[self._faces.corners[around]] = UNKNOWN
        changed = any_of_three((self.owners == UNKNOWN)[self._faces.corners])
        self._is_laid[changed] = False
        self._faces.middles[changed] = UNKNOWN

    def _give(self, corners: Indices, target: "Target") -> None:
        owners, distances = target.nearness.nearest(self.points[corners], NEAR_ENOUGH * target.bound_mm)
        self.owners[corners] = np.where(distances <= target.bound_mm, owners, UNKNOWN)

    def _laid_and_lost(self, target: "Target") -> tuple[_Faces, _Faces]:
        """Lay faces that need no cutting and cut the others, again and again; what then is left is lost."""
        laid, lost = [self._faces.chosen(self._is_laid)], []
        left = self._faces.chosen(~self._is_laid)
        for cuts_left in range(MOST_CUTS, -1, -1):
            is_within = self._are_within_one(left)
            laid.append(left.chosen(is_within))
            left = left.chosen(~is_within)
            sides, ends = _sides_between(left.corners, self.owners[left.corners], len(self.points))
            is_good, is_cut, cut_sides = self._judge(left, sides, ends, target)
            is_cut &= cuts_left > 0
            laid.append(left.chosen(is_good))
            lost.append(left.chosen(~is_good & ~is_cut))
            left = self._cut(left.chosen(is_cut), cut_sides[is_cut], ends, target)
        return _Faces.joined(laid), _Faces.joined(lost)

    def _are_within_one(self, faces: _Faces) -> Flags:
        """(k,) whether all corners of a face have the same triangle."""
        first, second, third = self.owners[faces.corners].T
        return np.asarray((first == second) & (second == third) & (first != UNKNOWN))

    def _judge(self, faces: _Faces, sides: Indices, ends: Indices, target: "Target") -> tuple[Flags, Flags, Indices]:
        """What is to be done with faces; the corners around which they are laid are noted.

        Args:
            faces: k of them.
            sides: (k, 3) which are between corners of two triangles.
            ends: (n, 2) their corners.

        Returns:
            (k,) whether each is laid as it is; (k,) whether it is to be cut; (k, 3) its sides to be cut, `UNKNOWN`:
            not.
        """
        owners = self.owners[faces.corners]
        lengths_mm = np.linalg.norm(self.points[ends[:, 1]] - self.points[ends[:, 0]], axis=1)
        is_bad = ~target.are_joined(self.points[ends], self.owners[ends])
        is_cut = is_bad & (lengths_mm > SHORTEST * target.bound_mm)
        # the last is for sides within one triangle: `UNKNOWN` is -1
        has_bad = any_of_three(np.append(is_bad, False)[sides])
        cut_sides = np.where(np.append(is_cut, False)[sides], sides, UNKNOWN)
        is_joined = ~any_of_three(owners == UNKNOWN) & ~has_bad
        threes = np.flatnonzero(is_joined & ~any_of_three(owners == np.roll(owners, 1, axis=1)))
        faces.middles[threes] = target.middles_of(self.points[faces.corners[threes]], owners[threes])
        is_good = is_joined.copy()
        is_good[threes] = faces.middles[threes] != UNKNOWN
        return is_good, any_of_three(cut_sides != UNKNOWN) | is_joined & ~is_good, cut_sides

    def _cut(self, faces: _Faces, sides: Indices, ends: Indices, target: "Target") -> _Faces:
        """Cut faces into parts.

        Args:
            faces: k of them.
            sides: (k, 3) those to be cut; `UNKNOWN`: not.
            ends: (n, 2) their corners.
        """
        used, places = np.unique(sides, return_inverse=True)
        used, places = used[used != UNKNOWN], places.reshape(-1, 3) - (UNKNOWN in used)
        points, owners = target.between(self.points[ends[used]], self.owners[ends[used]])
        within = np.flatnonzero((sides == UNKNOWN).all(axis=1))
        corners = np.full((len(sides), 7), UNKNOWN)
        corners[:, :3] = faces.corners
        corners[:, 3:6] = len(self.points) + places
        corners[within, 6] = len(self.points) + len(used) + np.arange(len(within))
        middles = self.points[faces.corners[within]].mean(axis=1)
        fresh = np.arange(len(self.points), len(self.points) + len(points) + len(middles))
        self.points = np.concatenate([self.points, points, middles])
        self.owners = np.concatenate([self.owners, owners, np.full(len(middles), UNKNOWN)])
        self._give(fresh[self.owners[fresh] == UNKNOWN], target)
        kinds = (sides != UNKNOWN) @ (1, 2, 4)
        parts = [corners[kinds == kind][:, children].reshape(-1, 3) for kind, children in enumerate(_CHILDREN)]
        roots = [np.repeat(faces.roots[kinds == kind], len(children)) for kind, children in enumerate(_CHILDREN)]
        count = sum(map(len, parts))
        return _Faces(np.concatenate(parts), np.concatenate(roots), np.full(count, UNKNOWN))


class Target:
    """A coarse surface to lay another on."""

    def __init__(self, coarse: Mesh, bound_mm: float) -> None:
        self.bound_mm = bound_mm
        self.nearness = Nearness(coarse)
        self._places = coarse.vertices_lps_mm.astype(np.float64)
        self._faces = coarse.faces.astype(np.int64)
        self._neighbours = coarse.neighbours

    def are_joined(self, ends: Floats, owners: Indices) -> Flags:
        """Which lines come near to what the triangles of their two ends share.

        Args:
            ends: (k, 2, 3).
            owners: (k, 2); lines with an end that has none count as joined.
        """
        _, distances = self._nearest_shared(ends, owners)
        return np.asarray((distances <= self.bound_mm) | (owners == UNKNOWN).any(axis=1))

    def middles_of(self, faces: Floats, owners: Indices) -> Indices:
        """(k,) the corner that three triangles share, where it is near to the face.

        Args:
            faces: (k, 3 corners, 3).
            owners: (k, 3).
        """
        first, second, third = (self._faces[owners[:, place]] for place in range(3))
        is_shared = _are_among(first, second) & _are_among(first, third)
        middles = np.where(is_shared.any(axis=1), _picked(first, is_shared.argmax(axis=1)), UNKNOWN)
        far = np.flatnonzero(middles != UNKNOWN)
        far = far[_distances(faces[far], self._places[middles[far]]) > self.bound_mm]
        middles[far] = UNKNOWN
        return middles

    def between(self, ends: Floats, owners: Indices) -> tuple[Floats, Indices]:
        """Where to cut lines whose ends' triangles are not joined, and the triangle of that point where it is known.

        A triangle that neighbours both is entered where the line comes nearest to its border with the first; other
        lines are halved.
        """
        first, second = self._neighbours[owners[:, 0]], self._neighbours[owners[:, 1]]
        is_shared = _are_among(first, second) & (first != owners[:, :1]) & (first != owners[:, 1:])
        links = np.where(is_shared.any(axis=1), _picked(first, is_shared.argmax(axis=1)), UNKNOWN)
        linked = np.flatnonzero(links != UNKNOWN)
        shares, distances = self._nearest_shared(ends[linked], np.stack([owners[linked, 0], links[linked]], axis=1))
        links[linked[distances > self.bound_mm]] = UNKNOWN
        all_shares = np.full((len(ends), 1), 0.5)
        all_shares[linked, 0] = np.where(distances <= self.bound_mm, shares, 0.5)
        return ends[:, 0] + all_shares * (ends[:, 1] - ends[:, 0]), links

    def are_covered(self, owners: Indices, middles: Indices) -> Flags:
        """Which triangles are covered by what is laid, other than zero times, as far as all around them is.

        Args:
            owners: (k, 3) triangles of the faces that have three.
            middles: (k,) the corner that these share.
        """
        covers = np.zeros((len(self._faces), 3))
        for start, end in EDGES:
            for own, other, sign in ((start, end, 1), (end, start, -1)):
                borders = self._neighbours[owners[:, own]] == owners[:, other, None]
                is_end = np.roll(self._faces, -1, axis=1)[owners[:, own]] == middles[:, None]
                rows, edges = np.nonzero(borders & is_end)
                np.add.at(covers, (owners[rows, own], edges), sign)
        return np.asarray((covers[:, 0] != 0) & (covers == covers[:, :1]).all(axis=1))

    def _nearest_shared(self, ends: Floats, owners: Indices) -> tuple[Floats, Floats]:
        """Where lines come nearest to the edge or corner that two triangles share, as a share of their length.

        Returns:
            (k,) and how near, at most; infinite where they share nothing, or everything.
        """
        first = self._faces[owners[:, 0]]
        is_shared = _are_among(first, self._faces[owners[:, 1]])
        count = is_shared.sum(axis=1)
        starts = self._places[_picked(first, is_shared.argmax(axis=1))]
        stops = self._places[_picked(first, 2 - is_shared[:, ::-1].argmax(axis=1))]
        shares, distances = _between_lines(ends[:, 0], ends[:, 1], starts, stops)
        return shares, np.where((count == 1) | (count == 2), distances, np.inf)


def _sides_between(faces: Indices, owners: Indices, count: int) -> tuple[Indices, Indices]:
    """Sides of faces between corners of two triangles, each once.

    Returns:
        (k, 3) which each side of a face is, `UNKNOWN` for those within one triangle; and (n, 2) their corners.
    """
    following = np.roll(faces, -1, axis=1)
    is_mixed = owners != np.roll(owners, -1, axis=1)
    keys = (np.minimum(faces, following) * count + np.maximum(faces, following))[is_mixed]
    distinct, places = np.unique(keys, return_inverse=True)
    sides = np.full(faces.shape, UNKNOWN)
    sides[is_mixed] = places
    return sides, np.stack(np.divmod(distinct, count), axis=1)


def _are_among(asked: Indices, given: Indices) -> Flags:
    """(k, 3) which of three numbers are among the three others of the same row."""
    return np.asarray((asked == given[:, :1]) | (asked == given[:, 1:2]) | (asked == given[:, 2:]))


def _picked(rows: Indices, columns: Indices) -> Indices:
    return np.asarray(rows[np.arange(len(rows)), columns])


def _between_lines(start: Floats, end: Floats, other_start: Floats, other_end: Floats) -> tuple[Floats, Floats]:
    """Where lines come nearest to others, as a share of their length, and how near: (k, 3) each to (k,).

    Source: Ericson 2005, "Real-time collision detection", 5.1.9.
    """
    along, other, apart = end - start, other_end - other_start, start - other_start
    a, b, e = _dot(along, along), _dot(along, other), _dot(other, other)
    c, f = _dot(along, apart), _dot(other, apart)
    bottom = a * e - b * b
    share = np.where(bottom > 1e-12 * a * e, (b * f - c * e) / np.where(bottom > 0, bottom, 1.0), 0.5).clip(0, 1)
    there = ((b * share + f) / np.maximum(e, 1e-30)).clip(0, 1)
    share = ((b * there - c) / np.maximum(a, 1e-30)).clip(0, 1)
    gap = apart + share[:, None] * along - there[:, None] * other
    return share, np.sqrt(_dot(gap, gap))


def _distances(faces: Floats, points: Floats) -> Floats:
    """How far points are from triangles: (k, 3 corners, 3) and (k, 3) to (k,)."""
    first, second, offset = faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0], points - faces[:, 0]
    a, b, c = _dot(first, first), _dot(first, second), _dot(second, second)
    d, e = _dot(offset, first), _dot(offset, second)
    bottom = a * c - b * b
    along, across = c * d - b * e, a * e - b * d
    is_over = (bottom > 1e-12 * a * c) & (along >= 0) & (across >= 0) & (along + across <= bottom)
    normal = np.cross(first, second)
    nearest = np.abs(_dot(offset, normal)) / np.maximum(np.sqrt(_dot(normal, normal)), 1e-30)
    beside = np.flatnonzero(~is_over)
    lines = [
        _between_lines(faces[beside, one], faces[beside, two], points[beside], points[beside])[1] for one, two in EDGES
    ]
    nearest[beside] = np.minimum(np.minimum(lines[0], lines[1]), lines[2])
    return nearest


def _dot(first: Floats, second: Floats) -> Floats:
    return np.asarray(np.einsum("kx,kx->k", first, second))
