"""How far points are from a mesh."""

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from gnathos.meshing.mesh import Mesh

Points = npt.NDArray[np.float64]

SAMPLE_SPACING_MM = 0.5
"""Points of a triangle by which it is found lie no further apart."""
CANDIDATES = 12
"""Triangles tried per point."""
CHUNK = 200_000
"""Points measured at a time, to keep memory flat."""


def distance_to_surface(points_lps_mm: Points, mesh: Mesh) -> npt.NDArray[np.float64]:
    """Distance of points to a mesh's triangles, never under-read.

    The nearest triangle is looked for among those with a sample point nearest to the point; should another one be
    nearer still, the answer is too large, never too small.

    Args:
        points_lps_mm: (n, 3).
        mesh: at least one triangle.

    Returns:
        (n,) millimetres.
    """
    triangles = mesh.triangles_lps_mm
    samples, owners = _sample_triangles(triangles)
    tree = KDTree(samples, balanced_tree=False, compact_nodes=False)
    result = np.empty(len(points_lps_mm))
    for start in range(0, len(points_lps_mm), CHUNK):
        chunk = points_lps_mm[start : start + CHUNK]
        _, near = tree.query(chunk, k=min(CANDIDATES, tree.n))
        candidates = owners[near.reshape(len(chunk), -1)]
        distances = [point_triangle_distance(chunk, triangles[column]) for column in candidates.T]
        result[start : start + CHUNK] = np.min(distances, axis=0)
    return result


def _sample_triangles(triangles: Points) -> tuple[Points, npt.NDArray[np.int64]]:
    """Points spread over triangles, one in the middle of a small one, and which triangle each lies on."""
    edges = np.linalg.norm(triangles - np.roll(triangles, 1, axis=1), axis=2)
    divisions = np.ceil(edges.max(axis=1) / SAMPLE_SPACING_MM).astype(int)
    samples, owners = [], []
    for count in np.unique(divisions):
        members = np.flatnonzero(divisions == count)
        weights = _barycentric_grid(max(int(count), 1))
        samples.append(np.einsum("kc,mcx->mkx", weights, triangles[members]).reshape(-1, 3))
        owners.append(np.repeat(members, len(weights)))
    return np.concatenate(samples), np.concatenate(owners)


def _barycentric_grid(count: int) -> npt.NDArray[np.float64]:
    """Middles of the small triangles that an even division makes: (n, 3) weights of the corners."""
    first, second = np.meshgrid(np.arange(count), np.arange(count), indexing="ij")
    upright = np.stack([first, second], axis=-1)[first + second < count] + 1 / 3
    turned = np.stack([first, second], axis=-1)[first + second < count - 1] + 2 / 3
    two = np.concatenate([upright, turned]) / count
    return np.column_stack([two, 1 - two.sum(axis=1)])


def point_triangle_distance(points: Points, triangles: Points) -> npt.NDArray[np.float64]:
    """Distance of each point to the triangle of the same row.

    Args:
        points: (n, 3).
        triangles: (n, 3 corners, 3).

    Returns:
        (n,) in the unit of the coordinates.
    """
    first, second, third = np.moveaxis(triangles, 1, 0)
    to_edges = [_segment_distance(points, *edge) for edge in ((first, second), (second, third), (third, first))]
    normal = np.cross(second - first, third - first)
    size = np.maximum(np.einsum("ij,ij->i", normal, normal), 1e-30)
    to_third = np.einsum("ij,ij->i", np.cross(second - first, points - first), normal) / size
    to_second = np.einsum("ij,ij->i", np.cross(points - first, third - first), normal) / size
    above = (to_second >= 0) & (to_third >= 0) & (to_second + to_third <= 1)
    height = np.abs(np.einsum("ij,ij->i", points - first, normal)) / np.sqrt(size)
    nearest_edge = np.min(to_edges, axis=0)
    return np.asarray(np.where(above, np.minimum(height, nearest_edge), nearest_edge))


def _segment_distance(points: Points, start: Points, end: Points) -> npt.NDArray[np.float64]:
    along = end - start
    length = np.maximum(np.einsum("ij,ij->i", along, along), 1e-30)
    share = np.clip(np.einsum("ij,ij->i", points - start, along) / length, 0, 1)
    return np.asarray(np.linalg.norm(points - start - share[:, None] * along, axis=1))
