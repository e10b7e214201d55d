"""What makes a mesh a solid in the eyes of other programs."""

import manifold3d
import numpy as np

from gnathos.meshing.mesh import Mesh

_STEPS = 2
"""Steps of a coordinate's last digit by which corners at one place are parted at first."""
_MOST_TRIES = 4


def is_manifold(mesh: Mesh) -> bool:
    """Whether manifold3d takes it as it is, and no two corners lie at one place, where STL would join them."""
    if not mesh.is_watertight or _doubles(mesh.vertices_lps_mm).any():
        return False
    raw = manifold3d.Mesh(vert_properties=mesh.vertices_lps_mm, tri_verts=mesh.faces.astype(np.uint32))
    return bool(manifold3d.Manifold(raw).status() == manifold3d.Error.NoError)


def part_corners(mesh: Mesh) -> Mesh:
    """Move corners that lie at one place apart by some steps of their last digit; triangles keep their corners.

    A surface passes through a voxel's centre, or nearly, where the field is nearly zero there: then corners on all
    edges around it fall together. None is moved further than `parting_mm`.
    """
    places = mesh.vertices_lps_mm.copy()
    for attempt in range(1, _MOST_TRIES + 1):
        doubles = np.flatnonzero(_doubles(places))
        if not len(doubles):
            break
        middles = _middles_around(mesh, doubles)
        away = np.sign(middles - places[doubles])
        places[doubles] += (attempt * _STEPS * away * np.spacing(np.maximum(np.abs(places[doubles]), 1))).astype(
            np.float32
        )
    return Mesh(places, mesh.faces)


def parting_mm(mesh: Mesh) -> float:
    """How far `part_corners` may move a corner, at most: less than a thousandth of a millimetre in a scan."""
    step_mm = float(np.spacing(np.float32(np.abs(mesh.vertices_lps_mm).max(initial=1.0))))
    return float(np.sqrt(3)) * step_mm * _STEPS * sum(range(1, _MOST_TRIES + 1))


def _doubles(places: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(n,) whether another corner lies at the very same place."""
    order = np.lexsort(places.T)
    same = (places[order][1:] == places[order][:-1]).all(axis=1)
    doubles = np.zeros(len(places), np.bool_)
    doubles[order[1:][same]] = doubles[order[:-1][same]] = True
    return doubles


def _middles_around(
    mesh: Mesh, corners: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """(k, 3) of the triangles around corners."""
    count = len(mesh.vertices_lps_mm)
    of_faces = np.repeat(mesh.triangles_lps_mm.mean(axis=1), 3, axis=0)
    owners = mesh.faces.ravel()
    sums = np.stack([np.bincount(owners, weights=of_faces[:, axis], minlength=count) for axis in range(3)], axis=1)
    return np.asarray(sums[corners] / np.maximum(np.bincount(owners, minlength=count), 1)[corners, None])
