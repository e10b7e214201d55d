"""Fewer triangles, within an error that is measured."""

import fast_simplification
import manifold3d
import numpy as np
import numpy.typing as npt

from gnathos.meshing.distance import distance_to_surface
from gnathos.meshing.mesh import Mesh

TRIES = 4
FIRST_SHARE = 0.15
"""Share of the triangles kept at the first try."""
LEAST_FACES = 200
GOOD_ENOUGH = 0.7
"""Share of the aim from which no further try is made."""
SAFE_SHARES = (0.4, 0.2)
"""Shares of the bound allowed to manifold3d, which strays two to three times as far as it is allowed."""
PARTING_MM = 0.01
MOST_SAMPLES = 20_000
"""Points measured per direction and try."""
AIM = 0.85
"""Share of the bound that the sampled error may reach, since samples miss the very worst place."""


def decimate(mesh: Mesh, max_error_mm: float) -> Mesh:
    """Remove triangles while the surfaces stay within a distance of each other, measured both ways on samples.

    The error is nearly inverse to the number of triangles, so that each try tells how many the next may keep.

    Args:
        mesh: watertight.
        max_error_mm: 0 leaves the mesh as it is.

    Returns:
        A watertight mesh; the given one if no smaller one keeps the bound.

    Source: quadric error metrics (Garland and Heckbert 1997), as in fast-simplification.
    """
    if max_error_mm <= 0:
        return mesh
    aim_mm = AIM * max_error_mm
    best: Mesh | None = None
    count = FIRST_SHARE * len(mesh.faces)
    for _ in range(TRIES):
        count = max(count, LEAST_FACES)
        if count >= 0.95 * len(mesh.faces):
            break
        smaller = _collapse(mesh, int(count))
        if not smaller.is_watertight:
            break
        error_mm = measured_error_mm(mesh, smaller)
        if error_mm <= aim_mm and (best is None or len(smaller.faces) < len(best.faces)):
            best = smaller
        if GOOD_ENOUGH * aim_mm <= error_mm <= aim_mm:
            break
        count *= 1.08 * max(error_mm, 0.1 * aim_mm) / aim_mm
    return best or _decimate_safely(mesh, max_error_mm)


def measured_error_mm(first: Mesh, second: Mesh) -> float:
    """The largest distance found between two surfaces, both ways, at corners, mid-edges and middles."""
    there = distance_to_surface(_sample(first), second).max()
    back = distance_to_surface(_sample(second), first).max()
    return float(max(there, back))


def _collapse(mesh: Mesh, count: int) -> Mesh:
    vertices, faces = fast_simplification.simplify(mesh.vertices_lps_mm, mesh.faces, target_count=count)
    return mend(Mesh(vertices.astype(np.float32), faces.astype(np.int32)))


def mend(mesh: Mesh) -> Mesh:
    """Part sheets that collapsing edges has brought to touch, so that each edge joins two triangles again.

    Where a corner belongs to several fans of triangles, each fan gets a corner of its own, a hundredth of a
    millimetre towards its middle. What cannot be parted so comes back as it was.

    Source: "Cutting and Stitching", Guéziec et al. 2001.
    """
    size = len(mesh.vertices_lps_mm)
    edges = np.sort(mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64), axis=1)
    keys, inverse, uses = np.unique(edges @ [size, 1], return_inverse=True, return_counts=True)
    bad_keys = set(keys[uses != 2].tolist())
    corners = np.unique(edges[uses[inverse] != 2])
    vertices, faces = [*mesh.vertices_lps_mm], mesh.faces.copy()
    for corner in corners:
        around = np.flatnonzero((mesh.faces == corner).any(axis=1))
        for fan in _fans(mesh.faces[around], int(corner), bad_keys, size)[1:]:
            members = around[fan]
            middle = mesh.vertices_lps_mm[mesh.faces[members]].mean(axis=(0, 1))
            offset = middle - mesh.vertices_lps_mm[corner]
            vertices.append(mesh.vertices_lps_mm[corner] + PARTING_MM * offset / max(np.linalg.norm(offset), 1e-6))
            faces[members] = np.where(mesh.faces[members] == corner, len(vertices) - 1, faces[members])
    mended = Mesh(np.array(vertices, np.float32), faces)
    return mended if len(corners) and mended.is_watertight else mesh


def _fans(faces: npt.NDArray[np.int32], corner: int, bad_keys: set[int], size: int) -> list[list[int]]:
    """Group the triangles around a corner: those that share a sound edge at it go together."""
    groups = [[position] for position in range(len(faces))]
    spokes: dict[int, int] = {}
    group_of = list(range(len(faces)))
    for position, face in enumerate(faces.tolist()):
        for other in face:
            key = min(corner, other) * size + max(corner, other)
            if other == corner or key in bad_keys:
                continue
            first, second = group_of[spokes.setdefault(other, position)], group_of[position]
            if first != second:
                groups[first] += groups[second]
                for member in groups[second]:
                    group_of[member] = first
                groups[second] = []
    return [group for group in groups if group]


def _decimate_safely(mesh: Mesh, max_error_mm: float) -> Mesh:
    """Fewer triangles are saved here, but what was watertight stays so, also where surfaces nearly touch."""
    raw = manifold3d.Mesh(vert_properties=mesh.vertices_lps_mm, tri_verts=mesh.faces.astype(np.uint32))
    solid = manifold3d.Manifold(raw)
    if solid.status() != manifold3d.Error.NoError:
        return mesh
    for share in SAFE_SHARES:
        simplified = solid.simplify(share * max_error_mm).to_mesh()
        points = np.asarray(simplified.vert_properties[:, :3], np.float32)
        smaller = Mesh(points, np.asarray(simplified.tri_verts, np.int32))
        if smaller.is_watertight and measured_error_mm(mesh, smaller) <= AIM * max_error_mm:
            return smaller
    return mesh


def _sample(mesh: Mesh) -> npt.NDArray[np.float64]:
    """Corners, mid-edges and middles of evenly chosen triangles."""
    triangles = mesh.triangles_lps_mm[:: 1 + 7 * len(mesh.faces) // MOST_SAMPLES]
    mid_edges = (triangles + np.roll(triangles, 1, axis=1)) / 2
    points = np.concatenate([triangles, mid_edges, triangles.mean(axis=1, keepdims=True)], axis=1)
    return np.asarray(points.reshape(-1, 3))
