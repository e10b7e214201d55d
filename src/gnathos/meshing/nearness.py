"""Which triangles of a mesh a point is near to."""

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from gnathos.meshing.mesh import Mesh
from gnathos.meshing.triangles import Floats, Indices, Triangles

SAMPLE_SPACING_MM = 0.5
"""Points of a triangle by which it is found lie no further apart."""
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
                found = self.triangles.distances(column[fresh], points[part][fresh])
                nearer = found < distances[part][fresh]
                owners[part][fresh[nearer]] = column[fresh[nearer]]
                distances[part][fresh[nearer]] = found[nearer]
        return owners, distances


def _spread(corners: Floats) -> tuple[Floats, Indices]:
    """Points spread over triangles, one in the middle of a small one, and which triangle each lies on."""
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    divisions = np.maximum(np.ceil(edges.max(axis=1) / SAMPLE_SPACING_MM).astype(int), 1)
    samples, owners = [], []
    for count in np.unique(divisions).tolist():
        members = np.flatnonzero(divisions == count)
        weights = _barycentric_grid(count)
        samples.append(np.einsum("kc,mcx->mkx", weights, corners[members]).reshape(-1, 3))
        owners.append(np.repeat(members, len(weights)))
    return np.concatenate(samples), np.concatenate(owners)


def _barycentric_grid(count: int) -> npt.NDArray[np.float64]:
    """Middles of the small triangles that an even division makes: (n, 3) weights of the corners."""
    first, second = np.meshgrid(np.arange(count), np.arange(count), indexing="ij")
    upright = np.stack([first, second], axis=-1)[first + second < count] + 1 / 3
    turned = np.stack([first, second], axis=-1)[first + second < count - 1] + 2 / 3
    two = np.concatenate([upright, turned]) / count
    return np.column_stack([two, 1 - two.sum(axis=1)])
