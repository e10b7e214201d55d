"""Which triangles of a mesh a point is near to."""

import numpy as np
from scipy.spatial import KDTree

from gnathos.meshing.mesh import Mesh
from gnathos.meshing.triangles import Floats, Indices, Triangles

SAMPLE_SPACING_MM = 0.75
"""Longest side of the pieces of a triangle by whose middles it is found."""
CANDIDATES = (3, 16, 64)
"""Sample points looked at: at first, and for the points that these leave far."""
NEAR_ENOUGH = 0.5
"""Share of a bound within which no nearer triangle is looked for; what is left of it is for what lies around."""
CHUNK = 200_000
"""Points looked at together, to keep memory flat."""


class Nearness:
    """A mesh, made ready to be looked up."""

    def __init__(self, mesh: Mesh) -> None:
        self.triangles = Triangles(mesh.triangles_lps_mm)
        samples, self._owners = _spread(self.triangles.corners)
        self._tree = KDTree(samples, balanced_tree=False, compact_nodes=False)

    def nearest(self, points: Floats, near_enough_mm: float = 0.0) -> tuple[Indices, Floats]:
        """A triangle that is near to each point, and how far it is.

        It is looked for among the triangles with a sample point nearest to the point; should another one be nearer
        still, the distance is too large, never too small.

        Args:
            points: (n, 3).
            near_enough_mm: at or below this, no nearer triangle is looked for.
        """
        owners, distances = self._among(points, CANDIDATES[0])
        for candidates in CANDIDATES[1:]:
            far = np.flatnonzero(distances > near_enough_mm)
            owners[far], distances[far] = self._among(points[far], candidates)
        return owners, distances

    def _among(self, points: Floats, candidates: int) -> tuple[Indices, Floats]:
        owners = np.zeros(len(points), np.int64)
        distances = np.full(len(points), np.inf)
        for start in range(0, len(points), CHUNK):
            part = slice(start, start + CHUNK)
            _, near = self._tree.query(points[part], k=min(candidates, self._tree.n))
            choices = self._owners[near.reshape(len(near), -1)]
            for place, column in enumerate(choices.T):
                fresh = np.flatnonzero((choices[:, :place] != column[:, None]).all(axis=1))
                found = self.triangles.distances(column[fresh], points[part].take(fresh, axis=0))
                nearer = found < distances[part][fresh]
                owners[part][fresh[nearer]] = column[fresh[nearer]]
                distances[part][fresh[nearer]] = found[nearer]
        return owners, distances


def _spread(corners: Floats) -> tuple[Floats, Indices]:
    """Points spread over triangles, in the middle of each piece that is left when those too long are halved, and halved
    again, across their longest sides; and which triangle each lies on."""
    owners = np.arange(len(corners))
    samples, sample_owners = [], []
    while len(owners):
        sides = corners[:, (1, 2, 0)] - corners
        squares = np.einsum("kcx,kcx->kc", sides, sides)
        longest = squares.argmax(axis=1)
        is_long = squares[np.arange(len(longest)), longest] > SAMPLE_SPACING_MM**2
        samples.append(corners[~is_long].mean(axis=1))
        sample_owners.append(owners[~is_long])
        corners, owners = _halved(corners[is_long], longest[is_long]), np.tile(owners[is_long], 2)
    return np.concatenate([*samples, corners[:, 0]]), np.concatenate([*sample_owners, owners])


def _halved(corners: Floats, sides: Indices) -> Floats:
    """(k, 3, 3) triangles cut from the middle of a side to the corner across: (2 k, 3, 3)."""
    rows = np.arange(len(corners))
    start, end, across = (corners[rows, (sides + place) % 3] for place in range(3))
    middle = (start + end) / 2
    return np.concatenate([np.stack([start, middle, across], axis=1), np.stack([middle, end, across], axis=1)])
