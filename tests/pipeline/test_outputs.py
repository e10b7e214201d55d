"""Every kind of output, made of balls of known size at known places, and read back by other programs."""

import hashlib
import json
import zipfile
from pathlib import Path

import imagecodecs
import manifold3d
import nibabel
import nrrd
import numpy as np
import pydicom
import pytest
import SimpleITK
import trimesh
from tests.makers.cases import CENTRES_MM, RADII_MM, ball_case, centre_lps_mm, oblique_scan
from tests.makers.judges import admesh_repairs

from gnathos.anatomy import MESH_EXTENSIONS, STRUCTURES
from gnathos.imaging import Volume
from gnathos.meshing import read_stl
from gnathos.pipeline import OutputFile, OutputResult
from gnathos.pipeline.case import Case
from gnathos.pipeline.outputs import make_output

ALL = ("mandible", "tooth36", "left_nerve", "tooth48")
CUBIC_MM_PER_ML = 1000.0


def ball_ml(name: str) -> float:
    return 4 / 3 * np.pi * RADII_MM[name] ** 3 / CUBIC_MM_PER_ML


def outside_ml(name: str) -> float:
    """Of a ball, what lies outside of the largest: the rest of it is a lens."""
    gap = float(np.linalg.norm(CENTRES_MM[name]))
    big, small = RADII_MM["mandible"], RADII_MM[name]
    lens = np.pi * (big + small - gap) ** 2 * (gap**2 + 2 * gap * (big + small) - 3 * (big - small) ** 2) / (12 * gap)
    return ball_ml(name) - lens / CUBIC_MM_PER_ML


def made(case: Case, output: OutputFile) -> tuple[OutputResult, Path]:
    result = make_output(output, case)
    return result, case.folder / str(result.path)


@pytest.mark.parametrize("extension", [".nii.gz", ".nii", ".nrrd"])
def test_a_label_map_lies_on_the_scan_as_another_program_reads_it(extension: str, tmp_path: Path) -> None:
    scan = oblique_scan()
    result, path = made(ball_case(tmp_path), OutputFile("segmentations", extension, ALL))

    image = SimpleITK.ReadImage(path)
    labels = SimpleITK.GetArrayFromImage(image)
    assert labels.shape == scan.shape
    for name in ("tooth36", "left_nerve"):
        label = STRUCTURES[name].label
        places = [
            image.TransformIndexToPhysicalPoint([int(i) for i in index[::-1]]) for index in np.argwhere(labels == label)
        ]
        np.testing.assert_allclose(np.mean(places, axis=0), centre_lps_mm(scan, name), atol=0.1)
        assert len(places) * np.prod(image.GetSpacing()) / CUBIC_MM_PER_ML == pytest.approx(ball_ml(name), rel=0.05)
    assert set(np.unique(labels)) == {0, 2, 36, 102}
    assert result.status == "Available"
    assert [part["status"] for part in result.parts] == ["Available", "Available", "Available", "Missing"]


def test_nibabel_reads_the_same_label_map(tmp_path: Path) -> None:
    scan = oblique_scan()
    _, path = made(ball_case(tmp_path), OutputFile("segmentations", ".nii.gz", ALL))

    image = nibabel.load(path)
    places_ras = nibabel.affines.apply_affine(image.affine, np.argwhere(np.asarray(image.dataobj) == 36))

    np.testing.assert_allclose(places_ras.mean(axis=0) * [-1, -1, 1], centre_lps_mm(scan, "tooth36"), atol=0.1)


def test_the_segments_of_an_nrrd_have_names_and_colours(tmp_path: Path) -> None:
    _, path = made(ball_case(tmp_path), OutputFile("segmentations", ".nrrd", ALL))

    header = nrrd.read_header(str(path))

    assert [header[f"Segment{number}_Name"] for number in range(3)] == ["mandible", "tooth36", "left_nerve"]
    assert [header[f"Segment{number}_LabelValue"] for number in range(3)] == ["2", "36", "102"]
    assert "866006002" in header["Segment1_Tags"]
    assert all(0 <= float(part) <= 1 for part in header["Segment0_Color"].split())


def test_dicom_keeps_structures_that_overlap_whole(tmp_path: Path) -> None:
    result, path = made(ball_case(tmp_path), OutputFile("segmentations", ".dcm", ALL))

    dataset = pydicom.dcmread(path)
    bits = np.unpackbits(np.frombuffer(dataset.PixelData, np.uint8), bitorder="little")
    frames = bits[: dataset.NumberOfFrames * dataset.Rows * dataset.Columns].reshape(dataset.NumberOfFrames, -1)
    segments = [
        group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        for group in dataset.PerFrameFunctionalGroupsSequence
    ]
    counts = np.bincount(segments, weights=frames.sum(axis=1))[1:]

    assert counts.tolist() == list(result.measures["voxels"].values())
    voxel_ml = np.prod(oblique_scan().spacing_mm) / CUBIC_MM_PER_ML
    np.testing.assert_allclose(counts * voxel_ml, [ball_ml(name) for name in RADII_MM], rtol=0.05)


def test_a_report_measures_what_is_there(tmp_path: Path) -> None:
    _, path = made(ball_case(tmp_path), OutputFile("report", ".json", ()))

    report = json.loads(path.read_text())
    entries = {entry["structure"]: entry for entry in report["structures"]}
    scan = oblique_scan()
    for name, radius_mm in RADII_MM.items():
        assert entries[name]["volumeMl"] == pytest.approx(ball_ml(name), rel=0.04)
        assert entries[name]["surfaceMm2"] == pytest.approx(4 * np.pi * radius_mm**2, rel=0.04)
        np.testing.assert_allclose(entries[name]["centroidLpsMm"], centre_lps_mm(scan, name), atol=0.05)
        np.testing.assert_allclose(entries[name]["extentLpsMm"]["size"], [2 * radius_mm] * 3, atol=0.3)
    assert entries["tooth48"]["status"] == "Missing"
    assert "volumeMl" not in entries["tooth48"]
    teeth = {tooth["fdi"]: tooth for tooth in report["teeth"]}
    assert teeth.keys() == {36, 48}
    assert (teeth[36]["arch"], teeth[36]["side"], teeth[48]["side"]) == ("lower", "left", "right")
    assert teeth[48]["volumeMl"] is None


def test_a_preview_shows_each_structure_in_its_colour(tmp_path: Path) -> None:
    result, path = made(ball_case(tmp_path), OutputFile("previews", ".png", ("mandible", "left_nerve")))

    picture = imagecodecs.png_decode(path.read_bytes())
    front = picture[:400, :400].reshape(-1, 3).astype(int)
    assert picture.shape == (800, 1600, 3)
    assert (result.measures["width"], result.measures["height"]) == (1600, 800)
    drawn = front[front.max(axis=1) > 30]
    assert len(drawn) / len(front) == pytest.approx(np.pi / 4 / 1.06**2, rel=0.05)
    slices = picture[400:, :1200].astype(int)
    assert (slices[..., 0] - slices[..., 2] > 60).any()


def test_what_is_excluded_is_cut_out(tmp_path: Path) -> None:
    case = ball_case(tmp_path)
    whole, whole_path = made(case, OutputFile("meshes", ".stl", ("mandible",), 0))
    hollow, hollow_path = made(case, OutputFile("meshes", ".stl", ("mandible",), 1, ("all_nerves", "tooth36")))

    removed = ball_ml("left_nerve") + ball_ml("tooth36") - outside_ml("tooth36")

    assert whole.measures["volumeMl"] - hollow.measures["volumeMl"] == pytest.approx(removed, rel=0.08)
    assert read_stl(hollow_path).is_watertight
    assert hollow.measures["excluded"] == ["left_nerve", "tooth36"]
    assert read_stl(whole_path).volume_ml > read_stl(hollow_path).volume_ml


@pytest.mark.parametrize("structures", [("mandible",), ("mandible", "tooth36", "left_nerve")])
@pytest.mark.parametrize("excluded", [(), ("tooth36",)])
def test_a_manifold_passes_admesh_and_manifold3d(
    structures: tuple[str, ...], excluded: tuple[str, ...], tmp_path: Path
) -> None:
    case = ball_case(tmp_path, smoothing=2)
    result, path = made(case, OutputFile("meshes", ".stl", structures, 0, excluded))

    assert result.measures["isManifold"] is True
    assert admesh_repairs(path) == {}
    mesh = read_stl(path)
    solid = manifold3d.Manifold(manifold3d.Mesh(mesh.vertices_lps_mm, mesh.faces.astype(np.uint32)))
    assert solid.status() == manifold3d.Error.NoError
    assert solid.volume() / CUBIC_MM_PER_ML == pytest.approx(result.measures["volumeMl"], rel=1e-3)


def test_merged_structures_have_no_walls_inside(tmp_path: Path) -> None:
    case = ball_case(tmp_path, smoothing=2)
    result, path = made(case, OutputFile("meshes", ".stl", ("mandible", "tooth36", "left_nerve")))

    corners = read_stl(path).vertices_lps_mm
    depths = [
        RADII_MM[name] - np.linalg.norm(corners - centre_lps_mm(oblique_scan(), name), axis=1) for name in RADII_MM
    ]

    assert np.max(depths, axis=0).max() < 0.3  # no corner lies deeper in any ball than the surface of the whole
    assert result.measures["volumeMl"] == pytest.approx(ball_ml("mandible") + outside_ml("tooth36"), rel=0.03)


@pytest.mark.parametrize("extension", MESH_EXTENSIONS)
def test_every_format_holds_the_same_mesh(extension: str, tmp_path: Path) -> None:
    case = ball_case(tmp_path)
    expected, _ = made(case, OutputFile("meshes", ".stl", ("mandible",), 0, ("left_nerve",)))
    result, path = made(case, OutputFile("meshes", extension, ("mandible",), 1, ("left_nerve",)))

    assert result.measures == expected.measures
    assert result.measures["maxErrorMm"] == 0.1
    assert path.suffix == extension


def test_a_mesh_is_finished_once_for_all_formats(tmp_path: Path) -> None:
    case = ball_case(tmp_path)
    first = case.mesh_of(("mandible",), ("left_nerve",))

    sizes = [
        made(case, OutputFile("meshes", extension, ("mandible",), place, ("left_nerve",)))[0].measures["triangles"]
        for place, extension in enumerate((".stl", ".ply", ".obj"))
    ]

    assert case.mesh_of(("mandible",), ("left_nerve",)) is first
    assert sizes == [len(first.mesh.faces)] * 3
    assert case.mesh_of(("mandible",)) is not first


def test_a_glb_of_several_structures_keeps_them_apart(tmp_path: Path) -> None:
    result, path = made(ball_case(tmp_path), OutputFile("meshes", ".glb", ("mandible", "tooth36")))

    scene = trimesh.load(path)

    assert set(scene.geometry) == {"mandible", "tooth36"}
    for name, part in scene.geometry.items():
        assert part.is_volume
        assert part.volume / CUBIC_MM_PER_ML == pytest.approx(ball_ml(name), rel=0.05)
    assert result.measures["volumeMl"] == pytest.approx(ball_ml("mandible") + ball_ml("tooth36"), rel=0.05)


def test_what_cannot_be_cut_out_is_named(tmp_path: Path) -> None:
    result, _ = made(ball_case(tmp_path), OutputFile("meshes", ".stl", ("mandible",), 0, ("tooth48",)))

    assert result.status == "Available"
    assert result.reason is not None
    assert result.reason["code"] == "exclusion_incomplete"
    assert "tooth48" in result.reason["detail"]


def test_an_archive_holds_every_other_file_and_is_the_same_each_time(tmp_path: Path) -> None:
    archives = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        case = ball_case(tmp_path / name)
        made(case, OutputFile("meshes", ".stl", ("mandible", "left_nerve")))
        made(case, OutputFile("meshes", ".stl", ("tooth48",), 1))
        made(case, OutputFile("segmentations", ".nii.gz", ALL))
        answer, path = made(case, OutputFile("archive", ".zip", ()))
        archives.append(path)
        # tooth 48 is missing: its own file says so, not the zip around it
        assert (answer.status, answer.reason, answer.confidence, answer.parts) == ("Available", None, 1.0, ())

    with zipfile.ZipFile(archives[0]) as archive:
        summary = json.loads(archive.read("summary.json"))
        files = {each["file"]: each["sha256"] for each in summary["outputs"] if each["file"]}
        assert set(archive.namelist()) == {*files, "summary.json"}
        assert "meshes/0-mandible_left_nerve.stl" in files
        for name, expected in files.items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == expected
    assert [each["status"] for each in summary["outputs"]] == ["Available", "Missing", "Available"]
    assert archives[0].read_bytes() == archives[1].read_bytes()


@pytest.mark.parametrize("kind", ["segmentations", "previews", "meshes"])
def test_nothing_found_is_missing_not_failed(kind: str, tmp_path: Path) -> None:
    extension = {"segmentations": ".nrrd", "previews": ".png", "meshes": ".stl"}[kind]
    result = make_output(OutputFile(kind, extension, ("tooth48",)), ball_case(tmp_path))

    assert (result.status, result.path) == ("Missing", None)
    assert result.reason == {"code": "not_found", "detail": "It is not there."}


def test_a_volume_for_viewers_holds_the_scan_or_its_labels_on_one_grid_in_the_same_place(tmp_path: Path) -> None:
    scan = oblique_scan()
    large = Volume(np.repeat(scan.voxels, 8, axis=2), scan.affine_lps @ np.diag([1, 1, 1 / 8, 1]), is_hu=True)
    case = ball_case(tmp_path, scan=large)
    gray, gray_path = made(case, OutputFile("volumes", ".nii.gz", ()))
    labels, labels_path = made(case, OutputFile("volumes", ".nii.gz", ("tooth36", "tooth48"), position=1))

    images = [SimpleITK.ReadImage(path) for path in (gray_path, labels_path)]
    voxels, marks = map(SimpleITK.GetArrayFromImage, images)
    assert large.shape[2] > 256
    assert voxels.shape == marks.shape == (*large.shape[:2], large.shape[2] // 2)
    assert np.abs(voxels[3, 5, :].astype(float) - large.voxels[3, 5].reshape(-1, 2).mean(axis=1)).max() <= 0.5
    assert images[0].GetOrigin() == pytest.approx(images[1].GetOrigin())
    places = [images[1].TransformIndexToPhysicalPoint([int(i) for i in at[::-1]]) for at in np.argwhere(marks == 36)]
    np.testing.assert_allclose(np.mean(places, axis=0), centre_lps_mm(large, "tooth36"), atol=0.1)
    assert (gray.status, gray.parts, gray.confidence) == ("Available", (), 1.0)
    assert [part["status"] for part in labels.parts] == ["Available", "Missing"]


def test_a_volume_of_what_was_not_found_is_missing(tmp_path: Path) -> None:
    result = make_output(OutputFile("volumes", ".nii.gz", ("tooth48",)), ball_case(tmp_path))

    assert (result.status, result.path) == ("Missing", None)
