"""Meshes of shapes whose volume and place are known."""

import numpy as np
import pytest
from tests.meshing.shapes import ball, lattice

from gnathos.errors import MeshingFailed
from gnathos.meshing import (
    Mesh,
    merge_fields,
    smooth,
    surface_from_field,
)


@pytest.fixture(scope="module")
def sphere() -> Mesh:
    return surface_from_field(ball(lattice((60, 60, 60), 0.5), (5, -5, -15), 10))


def test_a_sphere_has_its_volume_its_place_and_outward_triangles(sphere: Mesh) -> None:
    assert sphere.is_watertight
    assert sphere.volume_ml == pytest.approx(4 / 3 * np.pi, rel=0.003)
    assert sphere.vertices_lps_mm.mean(axis=0) == pytest.approx([5, -5, -15], abs=0.02)


@pytest.mark.parametrize("flips", [(False, False, False), (True, False, False), (True, True, True)])
def test_triangles_face_outwards_whichever_way_the_axes_run(flips: tuple[bool, bool, bool]) -> None:
    field = ball(lattice((30, 30, 30), 1.0), (5, -5, -15), 9).reorient((1, 0, 2), flips)

    assert surface_from_field(field).volume_ml == pytest.approx(4 / 3 * np.pi * 0.729, rel=0.01)


def test_a_shape_cut_by_the_field_of_view_is_closed_there() -> None:
    half = ball(lattice((40, 40, 40), 0.5), (0, -10, -30), 8)

    mesh = surface_from_field(half)

    assert mesh.is_watertight
    assert mesh.volume_ml == pytest.approx(2 / 3 * np.pi * 0.512, rel=0.06)


def test_coarse_voxels_are_interpolated_before_meshing() -> None:
    coarse = surface_from_field(ball(lattice((14, 14, 14), 3.0), (8, -2, -12), 10))
    radii = np.linalg.norm(coarse.vertices_lps_mm - np.array([8, -2, -12]), axis=1)

    assert radii.std() < 0.05


def test_nothing_inside_is_an_error_and_not_an_empty_file() -> None:
    with pytest.raises(MeshingFailed):
        surface_from_field(lattice((5, 5, 5), 1.0).with_voxels(np.full((5, 5, 5), -1, np.float32)))


def test_smoothing_takes_noise_away_and_keeps_the_volume(sphere: Mesh) -> None:
    noise = np.random.default_rng(5).normal(0, 0.1, sphere.vertices_lps_mm.shape).astype(np.float32)
    rough = Mesh(sphere.vertices_lps_mm + noise, sphere.faces)

    calm = smooth(rough, 10)

    def spread(mesh: Mesh) -> float:
        return float(np.linalg.norm(mesh.vertices_lps_mm - np.array([5, -5, -15]), axis=1).std())

    assert spread(calm) < 0.4 * spread(rough)
    assert calm.volume_ml == pytest.approx(rough.volume_ml, rel=0.01)


def test_merged_fields_make_one_surface_of_two_bodies() -> None:
    whole = lattice((60, 60, 60), 0.5)
    first = ball(whole, (0, -5, -15), 6).crop((10, 5, 0), (50, 55, 40))
    second = ball(whole, (8, -5, -15), 6).crop((10, 10, 15), (48, 50, 60))

    merged = surface_from_field(merge_fields([first, second]))

    overlap = np.pi * (12 - 8) ** 2 * (8**2 + 4 * 8 * 6) / (12 * 8)  # two spheres, 8 mm apart, radius 6 mm
    assert merged.is_watertight
    assert merged.volume_ml * 1000 == pytest.approx(2 * 4 / 3 * np.pi * 216 - overlap, rel=0.01)
