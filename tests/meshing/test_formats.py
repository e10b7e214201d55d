"""Mesh files, read back by programs of others."""

import json
from pathlib import Path

import DracoPy
import numpy as np
import pytest
import trimesh
from tests.makers.judges import admesh_repairs, gltf_issues
from tests.meshing.shapes import asymmetric

from gnathos.anatomy.formats import MESH_EXTENSIONS
from gnathos.meshing import Mesh, Part, Provenance, read_stl, rounding_mm, write_mesh

COLOUR = (201, 176, 132)
PROVENANCE = Provenance(
    engine="Gnathos 26.11.0",
    segmenter="builtin 1.abc",
    frame="LPS",
    structures=tuple(f"tooth{fdi}" for fdi in range(11, 49)),
    excluded=("left_nerve",),
    options={"dentition": {"smoothingIterations": 0, "decimateMaxError": 0.03, "makeManifold": True}},
)


@pytest.fixture(scope="module")
def shape() -> Mesh:
    return asymmetric()


def written(mesh: Mesh, path: Path) -> Path:
    write_mesh([Part("mandible", mesh, COLOUR)], path, PROVENANCE)
    return path


def read_by_another(path: Path) -> trimesh.Trimesh:
    """By trimesh, which shares no code with what wrote; Draco by Google's own decoder."""
    if path.suffix == ".drc":
        decoded = DracoPy.decode(path.read_bytes())
        return trimesh.Trimesh(decoded.points, decoded.faces)
    loaded = trimesh.load(path)
    return loaded.to_mesh() if isinstance(loaded, trimesh.Scene) else loaded


@pytest.mark.parametrize("extension", MESH_EXTENSIONS)
def test_a_mesh_is_read_back_where_it_was_closed_and_outward(extension: str, shape: Mesh, tmp_path: Path) -> None:
    judged = read_by_another(written(shape, tmp_path / f"shape{extension}"))

    rounding = max(rounding_mm(shape, extension), 1e-6)
    assert judged.is_volume
    assert len(judged.faces) == len(shape.faces)
    assert judged.volume == pytest.approx(shape.volume_ml * 1000, rel=1e-4)
    np.testing.assert_allclose(judged.bounds[0], shape.vertices_lps_mm.min(axis=0), rtol=0, atol=rounding)
    np.testing.assert_allclose(judged.bounds[1], shape.vertices_lps_mm.max(axis=0), rtol=0, atol=rounding)
    middles = shape.triangles_lps_mm.mean(axis=1)
    reach, _ = trimesh.proximity.ProximityQuery(judged).vertex(middles)
    expected, _ = trimesh.proximity.ProximityQuery(trimesh.Trimesh(shape.vertices_lps_mm, shape.faces)).vertex(middles)
    np.testing.assert_allclose(reach, expected, rtol=0, atol=2 * rounding)


@pytest.mark.parametrize("extension", MESH_EXTENSIONS)
def test_the_same_mesh_gives_the_same_bytes(extension: str, shape: Mesh, tmp_path: Path) -> None:
    again = Mesh(shape.vertices_lps_mm.copy(), shape.faces.copy())

    first = written(shape, tmp_path / f"first{extension}").read_bytes()

    assert first == written(again, tmp_path / f"second{extension}").read_bytes()


@pytest.mark.parametrize("extension", [".ply", ".obj", ".drc", ".glb"])
def test_a_file_tells_where_it_is_from(extension: str, shape: Mesh, tmp_path: Path) -> None:
    content = written(shape, tmp_path / f"shape{extension}").read_bytes()

    for word in (b"Gnathos 26.11.0", b"builtin 1.abc", b"LPS", b"tooth48", b"left_nerve", b"decimateMaxError"):
        assert word in content[:20_000]


def test_an_stl_tells_the_most_important_in_its_eighty_characters(shape: Mesh, tmp_path: Path) -> None:
    header = written(shape, tmp_path / "shape.stl").read_bytes()[:80]

    assert header.startswith(b"Gnathos 26.11.0; builtin 1.abc; LPS mm; tooth11 ")


def test_the_lines_of_a_ply_header_are_short_enough_for_every_reader(shape: Mesh, tmp_path: Path) -> None:
    header = written(shape, tmp_path / "shape.ply").read_bytes().partition(b"end_header")[0]

    assert max(map(len, header.splitlines())) < 256


def test_draco_moves_no_corner_further_than_it_says_and_is_small(shape: Mesh, tmp_path: Path) -> None:
    packed = written(shape, tmp_path / "shape.drc")
    decoded = DracoPy.decode(packed.read_bytes())

    moved, _ = trimesh.proximity.ProximityQuery(trimesh.Trimesh(shape.vertices_lps_mm, shape.faces)).vertex(
        decoded.points
    )
    assert moved.max() <= rounding_mm(shape, ".drc") < 1e-3
    assert packed.stat().st_size < 0.3 * written(shape, tmp_path / "shape.ply").stat().st_size


def test_a_glb_keeps_structures_apart_by_name_and_colour(shape: Mesh, tmp_path: Path) -> None:
    beside = Mesh(shape.vertices_lps_mm + np.float32(30), shape.faces)
    parts = [Part("mandible", shape, (255, 0, 0)), Part("tooth36", beside, (0, 0, 255))]
    write_mesh(parts, tmp_path / "both.glb", PROVENANCE)

    scene = trimesh.load(tmp_path / "both.glb")

    assert set(scene.geometry) == {"mandible", "tooth36"}
    assert scene.geometry["tooth36"].bounds == pytest.approx(scene.geometry["mandible"].bounds + 30, abs=1e-4)
    assert scene.geometry["mandible"].visual.material.baseColorFactor.tolist() == [255, 0, 0, 255]
    assert scene.geometry["tooth36"].visual.material.baseColorFactor.tolist() == [0, 0, 255, 255]


def test_the_extras_of_a_glb_say_frame_and_unit(shape: Mesh, tmp_path: Path) -> None:
    content = written(shape, tmp_path / "shape.glb").read_bytes()
    length = int.from_bytes(content[12:16], "little")

    asset = json.loads(content[20 : 20 + length])["asset"]

    assert (asset["extras"]["frame"], asset["extras"]["unit"]) == ("LPS", "mm")
    assert int.from_bytes(content[8:12], "little") == len(content)


def test_the_validator_of_gltf_finds_nothing(shape: Mesh, tmp_path: Path) -> None:
    issues = gltf_issues(written(shape, tmp_path / "shape.glb"))

    assert (issues["numErrors"], issues["numWarnings"], issues["numInfos"]) == (0, 0, 0), issues["messages"]


def test_admesh_finds_nothing_to_repair(shape: Mesh, tmp_path: Path) -> None:
    assert admesh_repairs(written(shape, tmp_path / "shape.stl")) == {}


def test_a_truncated_stl_is_refused(shape: Mesh, tmp_path: Path) -> None:
    path = written(shape, tmp_path / "shape.stl")
    path.write_bytes(path.read_bytes()[:-10])

    with pytest.raises(ValueError, match="triangles has"):
        read_stl(path)
