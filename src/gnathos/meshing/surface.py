"""From a field to its zero surface."""

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from skimage.measure import marching_cubes

from gnathos.errors import MeshingFailed
from gnathos.imaging import Volume
from gnathos.imaging.sampling import refine_grid, slabs
from gnathos.meshing.mesh import Mesh

FINEST_NEEDED_MM = 1.0
"""Larger voxels are interpolated with cubic splines first, or their facets would show."""
OFF_ZERO = 1e-4
"""Field values nearer to zero are moved here: a surface through a voxel's centre has triangles without area."""

SPECK_MM3 = 2.0


def surface_from_field(field: Volume) -> Mesh:
    """The surface where a field is zero, closed also where the field of view cuts it.

    Args:
        field: float values, above zero inside.

    Raises:
        MeshingFailed: nothing is inside.

    Source: marching cubes with the topology of Lewiner et al. 2003, as in scikit-image.
    """
    padded = _pad(refine_grid(field, FINEST_NEEDED_MM))
    values = padded.voxels
    if not values.max(initial=0.0) > 0:
        raise MeshingFailed("Nothing of the structure is left to make a surface of.")
    for slab in slabs(padded):
        np.copyto(slab.voxels, -OFF_ZERO, where=np.abs(slab.voxels) < OFF_ZERO)
    points, faces, _, _ = marching_cubes(values, level=0.0, allow_degenerate=False)
    mesh = Mesh(padded.points_lps_mm(points).astype(np.float32), faces.astype(np.int32))
    volumes_mm3 = _signed_volumes_mm3(mesh)
    if volumes_mm3.sum() < 0:
        mesh, volumes_mm3 = Mesh(mesh.vertices_lps_mm, mesh.faces[:, ::-1].copy()), -volumes_mm3
    return _without_specks(mesh, volumes_mm3)


def _signed_volumes_mm3(mesh: Mesh) -> npt.NDArray[np.float64]:
    """(m,) between each triangle and the origin: added up, what a closed shell encloses."""
    first, second, third = np.moveaxis(mesh.triangles_lps_mm, 1, 0)
    return np.asarray(np.einsum("ij,ij->i", first, np.cross(second, third)) / 6)


def _without_specks(mesh: Mesh, parts_mm3: npt.NDArray[np.float64]) -> Mesh:
    """Drop closed shells too small to be anatomy: noise leaves bubbles below a voxel's size.

    Args:
        mesh: closed.
        parts_mm3: (m,) of each triangle's shell, the part that it encloses.
    """
    count = len(mesh.vertices_lps_mm)
    starts, ends = mesh.faces[:, [0, 1, 1, 2]].reshape(-1, 2).T
    links = coo_array((np.ones(len(starts), np.int8), (starts, ends)), shape=(count, count))
    shells, shell_of = connected_components(links, directed=False)
    volumes_mm3 = np.bincount(shell_of[mesh.faces[:, 0]], weights=parts_mm3, minlength=shells)
    kept = np.abs(volumes_mm3) >= min(SPECK_MM3, np.abs(volumes_mm3).max())
    if kept.all():
        return Mesh(mesh.vertices_lps_mm, mesh.faces)
    vertices = kept[shell_of]
    renumbered = np.cumsum(vertices) - 1
    faces = renumbered[mesh.faces[vertices[mesh.faces[:, 0]]]]
    return Mesh(mesh.vertices_lps_mm[vertices], faces.astype(np.int32))


def _pad(field: Volume) -> Volume:
    """Add a voxel of outside all around, so that every surface closes."""
    affine = field.affine_lps.copy()
    affine[:3, 3] = field.points_lps_mm([[-1, -1, -1]])[0]
    return Volume(np.pad(field.voxels.astype(np.float32, copy=False), 1, constant_values=-1.0), affine)
