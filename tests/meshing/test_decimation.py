"""Decimation, and the proof that it keeps its bound, judged by dense points of another program's making."""

import sys

import manifold3d
import numpy as np
import pytest
import trimesh
from scipy.spatial import KDTree
from tests.meshing.shapes import asymmetric, ball, lattice

from gnathos.meshing import Mesh, decimate, surface_from_field
from gnathos.meshing.proof import doubts
from gnathos.meshing.triangles import Triangles

SPACING_MM = 0.08
"""Longest edge of the pieces that surfaces are cut into to be measured."""
GAP_MM = SPACING_MM / np.sqrt(3)
"""No point of such a piece is further from all of its corners."""


@pytest.fixture(scope="module")
def shape() -> Mesh:
    return asymmetric()


def dense_points(mesh: Mesh) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    points, _ = trimesh.remesh.subdivide_to_size(mesh.vertices_lps_mm.astype(float), mesh.faces, SPACING_MM)
    return np.asarray(points)


def measured_mm(first: Mesh, second: Mesh) -> float:
    """Distance both ways between dense points: over-read by at most what `GAP_MM` adds at a right angle."""
    there, back = dense_points(first), dense_points(second)
    return float(max(KDTree(back).query(there)[0].max(), KDTree(there).query(back)[0].max()))


@pytest.mark.parametrize("bound_mm", [0.03, 0.1])
def test_the_promise_is_kept_on_thin_and_asymmetric_shapes(shape: Mesh, bound_mm: float) -> None:
    smaller = decimate(shape, bound_mm)

    assert smaller.is_watertight
    assert len(smaller.faces) < {0.03: 0.7, 0.1: 0.3}[bound_mm] * len(shape.faces)
    assert measured_mm(shape, smaller) <= np.hypot(bound_mm, GAP_MM)
    assert smaller.volume_ml == pytest.approx(shape.volume_ml, abs=shape.area_mm2 * bound_mm / 1000)


def test_fewer_triangles_are_left_than_by_manifold3d_within_the_same_true_distance(shape: Mesh) -> None:
    solid = manifold3d.Manifold(manifold3d.Mesh(shape.vertices_lps_mm, shape.faces.astype(np.uint32)))
    fewest = len(shape.faces)
    for allowed_mm in np.geomspace(0.03, 0.1, 5):
        raw = solid.simplify(allowed_mm).to_mesh()
        theirs = Mesh(np.asarray(raw.vert_properties[:, :3], np.float32), np.asarray(raw.tri_verts, np.int32))
        if not doubts(shape, theirs, 0.1).any:
            fewest = min(fewest, len(theirs.faces))

    assert len(decimate(shape, 0.1).faces) < fewest


def test_the_same_mesh_is_decimated_the_same_way(shape: Mesh) -> None:
    first, second = (decimate(Mesh(shape.vertices_lps_mm.copy(), shape.faces.copy()), 0.1) for _ in range(2))

    np.testing.assert_array_equal(first.vertices_lps_mm, second.vertices_lps_mm)
    np.testing.assert_array_equal(first.faces, second.faces)


def test_places_that_do_not_come_right_get_their_own_triangles_back_and_no_others(
    shape: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["gnathos.meshing.decimate"], "MOST_ROUNDS", 1)

    smaller = decimate(shape, 0.1)

    assert len(smaller.faces) < 0.5 * len(shape.faces)
    assert smaller.is_watertight
    assert not doubts(shape, smaller, 0.1).any


def test_zero_error_leaves_every_triangle(shape: Mesh) -> None:
    assert decimate(shape, 0) is shape


def test_spheres_one_in_the_other_are_as_far_apart_as_their_radii() -> None:
    volume = lattice((40, 40, 40), 0.5)
    inner, outer = (surface_from_field(ball(volume, (0, -10, -20), radius_mm)) for radius_mm in (6.0, 6.2))
    facets_mm = 0.02

    assert not doubts(inner, outer, 0.2 + facets_mm).any
    found = doubts(inner, outer, 0.2 - facets_mm)
    assert found.first.mean() > 0.9
    assert found.second.mean() > 0.9


def test_a_bump_between_the_corners_of_a_large_triangle_is_not_missed(shape: Mesh) -> None:
    smaller = decimate(shape, 0.1)
    bumpy = shape.vertices_lps_mm.copy()
    middle = int(np.argmax(bumpy[:, 0]))
    bumpy[middle, 0] += 0.25

    found = doubts(Mesh(bumpy, shape.faces), smaller, 0.1)

    assert found.first[(shape.faces == middle).any(axis=1)].all()
    assert found.first.mean() < 0.01


def test_a_spike_of_the_coarse_surface_alone_is_not_missed(shape: Mesh) -> None:
    spiky = shape.vertices_lps_mm.copy()
    middle = int(np.argmax(spiky[:, 0]))
    spiky[middle, 0] += 0.25

    found = doubts(shape, Mesh(spiky, shape.faces), 0.1)

    assert found.second[(shape.faces == middle).any(axis=1)].all()
    assert found.second.mean() < 0.01


def test_a_triangle_over_a_hole_is_not_taken_for_near(shape: Mesh) -> None:
    holed = Mesh(shape.vertices_lps_mm, np.delete(shape.faces, np.arange(300, 340), axis=0))

    found = doubts(holed, shape, 0.1)

    assert not found.first.any()
    assert found.second[300:340].any()
    assert not np.delete(found.second, np.arange(280, 360)).all()


@pytest.mark.parametrize(
    ("point", "expected"),
    [((0.2, 0.2, 3), 3), ((-1, 0.5, 0), 1), ((2, 2, 0), np.sqrt(4.5)), ((-3, -4, 0), 5), ((0.5, 0.5, 0), 0)],
)
def test_distance_of_a_point_to_a_triangle(point: tuple[float, float, float], expected: float) -> None:
    triangles = Triangles(np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0]]], float))

    assert triangles.distances(np.array([0]), np.array([point], float))[0] == pytest.approx(expected, abs=1e-12)


def test_a_triangle_without_area_is_as_far_as_its_longest_edge() -> None:
    triangles = Triangles(np.array([[[0, 0, 0], [1, 0, 0], [3, 0, 0]]], float))

    assert triangles.distances(np.array([0]), np.array([(2.0, 0, 4)])) == pytest.approx(4)
