"""Smoothing that does not shrink."""

import numpy as np
from scipy.sparse import coo_array, diags_array

from gnathos.meshing.mesh import Mesh

SHRINK, GROW = 0.5, -0.53
"""Taubin's pair of steps: what the first takes from a bump's volume the second gives back."""


def smooth(mesh: Mesh, iterations: int) -> Mesh:
    """Move each corner towards the mean of its neighbours and back a little further.

    Args:
        mesh: any; its triangles keep their corners.
        iterations: 0 leaves it as it is.

    Source: Taubin 1995, "A signal processing approach to fair surface design".
    """
    if iterations <= 0:
        return mesh
    count = len(mesh.vertices_lps_mm)
    ends = mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    neighbours = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count)).tocsr()
    neighbours = neighbours.maximum(neighbours.T)
    neighbours.data[:] = 1
    means = diags_array(1 / np.maximum(neighbours.sum(axis=1), 1)) @ neighbours
    points = mesh.vertices_lps_mm.astype(np.float64)
    for _ in range(iterations):
        for step in (SHRINK, GROW):
            points = points + step * (means @ points - points)
    return Mesh(points.astype(np.float32), mesh.faces)
