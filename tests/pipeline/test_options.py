"""Mesh options: which count in which version, and what is said of the others."""

import pytest
from tests.makers.cases import ball, oblique_scan

from gnathos.anatomy import Family
from gnathos.errors import InvalidOption
from gnathos.meshing import decimate, surface_from_field
from gnathos.pipeline.finishing import finish
from gnathos.pipeline.options import ITERATIONS_OF_FULL_SMOOTHING, MeshOptions, mesh_options, option_warnings

OLD = {"mandible": {"smoothingFactor": 0.5, "decimationFactor": 0.8}}


def test_the_older_versions_take_their_own_options() -> None:
    options = mesh_options(OLD, Family.MANDIBLE, "v2")

    assert options.smoothing_iterations == ITERATIONS_OF_FULL_SMOOTHING // 2
    assert options.decimation_share == 0.8
    assert option_warnings(OLD, "v2") == ()


def test_later_versions_leave_them_out_and_say_so() -> None:
    warnings = option_warnings(OLD, "24.06")

    assert mesh_options(OLD, Family.MANDIBLE, "24.06") == mesh_options({}, Family.MANDIBLE)
    assert [warning["code"] for warning in warnings] == ["option_removed"] * 2
    assert "smoothingIterations" in warnings[0]["detail"]
    assert "decimateMaxError" in warnings[1]["detail"]


def test_the_newer_options_win_also_in_the_older_versions() -> None:
    both = {
        "mandible": {"smoothingFactor": 1, "smoothingIterations": 2, "decimationFactor": 1, "decimateMaxError": 0.5}
    }
    options = mesh_options(both, Family.MANDIBLE, "v1")

    assert options == MeshOptions(2, 0.5)


def test_what_is_not_known_is_told_with_what_was_meant() -> None:
    warnings = option_warnings(
        {"mandibel": {}, "soft_tissue": {"makeManifolds": True}, "fusedMeshOptions": {}}, "26.11"
    )

    assert [warning["code"] for warning in warnings] == ["unknown_option", "unknown_option", "option_not_supported_yet"]
    assert "Did you mean mandible?" in warnings[0]["detail"]
    assert "Did you mean makeManifold?" in warnings[1]["detail"]


@pytest.mark.parametrize("wrong", [{"makeManifold": 1}, {"smoothingFactor": 2}, {"decimationFactor": "all"}])
def test_a_wrong_value_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidOption):
        mesh_options({"mandible": wrong}, Family.MANDIBLE, "v2")


def test_surface_scans_are_given_back_as_they_are_unless_asked() -> None:
    assert mesh_options({}, Family.SURFACE) == MeshOptions(0, 0.0, make_manifold=False)


def test_a_share_of_the_triangles_is_removed() -> None:
    surface = surface_from_field(ball(oblique_scan(), "mandible"))
    mesh = finish(surface, MeshOptions(0, 0.1, decimation_share=0.7)).mesh

    assert len(mesh.faces) <= 0.3 * len(surface.faces)
    assert mesh.is_watertight
    assert finish(surface, MeshOptions(0, 0.1, make_manifold=False, decimation_share=0.0)).mesh is surface
    assert len(decimate(surface, 0.1).faces) < len(surface.faces)
