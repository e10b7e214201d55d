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

import numpy as np
import numpy.typing as npt

from gnathos.meshing.mesh import Mesh
from gnathos.meshing.nearness import NEAR_ENOUGH, Nearness
from gnathos.meshing.triangles import EDGES, Floats, Indices

Flags = npt.NDArray[np.bool_]

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


class Laying:
    """A fine surface, cut finer where needed, and the coarse triangle that each of its corners is given."""

    def __init__(self, fine: Mesh) -> None:
        self.points: Floats = fine.vertices_lps_mm.astype(np.float64)
        self.owners: Indices = np.full(len(self.points), UNKNOWN)
        self.faces: Indices = fine.faces.astype(np.int64)
        self.roots: Indices = np.arange(len(self.faces))
        """Which face of the fine mesh each face is a part of."""
        self.is_laid: Flags = np.zeros(len(self.faces), np.bool_)
        self.middles: Indices = np.full(len(self.faces), UNKNOWN)
        """The coarse corner around which a face of three triangles is laid; `UNKNOWN` for others."""
        self._fine_count = len(fine.faces)

    def lay(self, target: "Target") -> tuple[Flags, Flags]:
        """Lay what is not laid yet.

        Returns:
            By fine face, whether it is laid; by coarse triangle, whether what is laid covers it.
        """
        self._give(np.flatnonzero(self.owners == UNKNOWN), target)
        for cut in range(MOST_CUTS + 1):
            self._lay(target, may_cut=cut < MOST_CUTS)
        lost = np.flatnonzero(~self.is_laid)
        owners = self.owners[self.faces[lost]]
        is_covered = target.are_covered(*self._threes())
        is_covered[owners[owners != UNKNOWN]] = False
        is_laid = np.ones(self._fine_count, np.bool_)
        is_laid[self.roots[lost]] = False
        return is_laid, is_covered

    def replace(self, places: Indices) -> None:
        """Coarse triangles are replaced: corners around those that are no more will be given others.

        Args:
            places: by coarse face its place from now on; `UNKNOWN`: it is no more. Corners of the mesh keep theirs.
        """
        known = self.owners != UNKNOWN
        self.owners[known] = places[self.owners[known]]
        around = (self.owners[self.faces] == UNKNOWN).any(axis=1)
        self.owners[self.faces[around]] = UNKNOWN
        changed = (self.owners[self.faces] == UNKNOWN).any(axis=1)
        self.is_laid[changed] = False
        self.middles[changed] = UNKNOWN

    def _give(self, corners: Indices, target: "Target") -> None:
        owners, distances = target.nearness.nearest(self.points[corners], NEAR_ENOUGH * target.bound_mm)
        self.owners[corners] = np.where(distances <= target.bound_mm, owners, UNKNOWN)

    def _lay(self, target: "Target", may_cut: bool) -> None:
        """Lay faces that need no cutting, and cut the others."""
        which = np.flatnonzero(~self.is_laid)
        faces, owners = self.faces[which], self.owners[self.faces[which]]
        sides, ends = _sides_between(faces, owners, len(self.points))
        lengths_mm = np.linalg.norm(self.points[ends[:, 1]] - self.points[ends[:, 0]], axis=1)
        is_bad = ~target.are_joined(self.points[ends], self.owners[ends])
        is_cut = is_bad & (lengths_mm > SHORTEST * target.bound_mm)
        bad_sides = np.append(is_bad, False)[sides]  # the last is for sides within one triangle: `UNKNOWN` is -1
        cut_sides = np.where(np.append(is_cut, False)[sides], sides, UNKNOWN)
        is_near = (owners != UNKNOWN).all(axis=1)
        is_good = is_near & ~bad_sides.any(axis=1)
        threes = np.flatnonzero(is_good & (owners != np.roll(owners, 1, axis=1)).all(axis=1))
        middles = target.middles_of(self.points[faces[threes]], owners[threes])
        is_good[threes[middles == UNKNOWN]] = False
        self.middles[which[threes]] = middles
        self.is_laid[which[is_good]] = True
        if may_cut:
            cut = np.flatnonzero((cut_sides != UNKNOWN).any(axis=1) | ~is_good & is_near & ~bad_sides.any(axis=1))
            self._cut(which[cut], cut_sides[cut], ends, target)

    def _cut(self, which: Indices, sides: Indices, ends: Indices, target: "Target") -> None:
        """Replace faces by parts.

        Args:
            which: (k,) faces.
            sides: (k, 3) those to be cut; `UNKNOWN`: not.
            ends: (n, 2) their corners.
        """
        used, places = np.unique(sides, return_inverse=True)
        used, places = used[used != UNKNOWN], places.reshape(-1, 3) - (UNKNOWN in used)
        points, owners = target.between(self.points[ends[used]], self.owners[ends[used]])
        within = np.flatnonzero((sides == UNKNOWN).all(axis=1))
        corners = np.full((len(which), 7), UNKNOWN)
        corners[:, :3] = self.faces[which]
        corners[:, 3:6] = len(self.points) + places
        corners[within, 6] = len(self.points) + len(used) + np.arange(len(within))
        middles = self.points[corners[within, :3]].mean(axis=1)
        self.points = np.concatenate([self.points, points, middles])
        self.owners = np.concatenate([self.owners, owners, np.full(len(middles), UNKNOWN)])
        fresh = np.arange(len(self.points) - len(points) - len(middles), len(self.points))
        self._give(fresh[self.owners[fresh] == UNKNOWN], target)
        kinds = (sides != UNKNOWN) @ (1, 2, 4)
        parts = [corners[kinds == kind][:, children].reshape(-1, 3) for kind, children in enumerate(_CHILDREN)]
        roots = [np.repeat(self.roots[which[kinds == kind]], len(each)) for kind, each in enumerate(_CHILDREN)]
        kept = np.ones(len(self.faces), np.bool_)
        kept[which] = False
        count = sum(map(len, parts))
        self.faces = np.concatenate([self.faces[kept], *parts])
        self.roots = np.concatenate([self.roots[kept], *roots])
        self.is_laid = np.concatenate([self.is_laid[kept], np.zeros(count, np.bool_)])
        self.middles = np.concatenate([self.middles[kept], np.full(count, UNKNOWN)])

    def _threes(self) -> tuple[Indices, Indices]:
        """(k, 3) triangles of the faces that have three, and (k,) the corner around which each is laid."""
        which = np.flatnonzero(self.middles != UNKNOWN)
        return self.owners[self.faces[which]], self.middles[which]


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
