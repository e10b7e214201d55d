"""Whole runs over a folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.shared import shared_path

from gnathos.meshing import read_stl
from gnathos.pipeline import InputFile, OutputFile, Progress, Request, Result
from gnathos.pipeline.progress import STAGE_SHARES
from gnathos.pipeline.request import FOUND_FILE, KNOWN_FILE
from gnathos.pipeline.run import Engine, run


def request_for(scan: Path, *structures: str, options: dict[str, object] | None = None) -> Request:
    return Request(
        inputs=(InputFile("cbct", str(scan), ""),),
        outputs=(OutputFile("meshes", ".stl", structures),),
        options=options or {},
    )


@pytest.fixture(scope="module")
def head_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result, list[Progress]]:
    folder = tmp_path_factory.mktemp("head")
    reports: list[Progress] = []
    request = request_for(shared_path("scans/head_ct_dicom"), "mandible", "tooth11")
    return folder, run(request, folder, reports.append, Engine(remembers=True)), reports


def test_a_scan_gives_a_watertight_mesh_in_its_own_coordinates(head_run: tuple[Path, Result, list[Progress]]) -> None:
    folder, result, _ = head_run
    (output,) = result.outputs
    mesh = read_stl(folder / str(output.path))

    assert result.success
    assert output.status == "Available"
    assert mesh.is_watertight
    assert mesh.volume_ml == pytest.approx(output.measures["volumeMl"], rel=1e-3)
    assert output.size_bytes == (folder / str(output.path)).stat().st_size
    assert result.coordinate_system["frame"] == "LPS"


def test_each_structure_asked_for_is_accounted_for(head_run: tuple[Path, Result, list[Progress]]) -> None:
    parts = {part["structure"]: part for part in head_run[1].outputs[0].parts}

    assert parts["mandible"]["status"] == "Available"
    assert parts["tooth11"]["status"] == "Failed"
    assert parts["tooth11"]["reason"]["code"] == "too_little_contrast"


def test_other_files_of_the_same_scan_need_no_second_search(
    head_run: tuple[Path, Result, list[Progress]], tmp_path: Path
) -> None:
    folder, first, _ = head_run
    (tmp_path / KNOWN_FILE).write_bytes((folder / FOUND_FILE).read_bytes())

    again = run(request_for(shared_path("scans/head_ct_dicom"), "mandible", "tooth11"), tmp_path, lambda _: None)

    assert [each.sha256 for each in again.outputs] == [each.sha256 for each in first.outputs]
    assert again.outputs[0].parts == first.outputs[0].parts
    assert again.receipt["seconds"]["segment"] < first.receipt["seconds"]["segment"] / 3
    assert not (tmp_path / FOUND_FILE).exists()


def test_progress_only_grows_and_every_stage_is_timed(head_run: tuple[Path, Result, list[Progress]]) -> None:
    _, result, reports = head_run
    fractions = [report.progress for report in reports]

    assert fractions == sorted(fractions)
    assert list(dict.fromkeys(report.stage for report in reports)) == list(STAGE_SHARES)
    assert list(result.receipt["seconds"]) == list(STAGE_SHARES)


def test_the_same_request_gives_the_same_bytes(head_run: tuple[Path, Result, list[Progress]], tmp_path: Path) -> None:
    request = request_for(shared_path("scans/head_ct_dicom"), "mandible", "tooth11")

    again = run(request, tmp_path, lambda progress: None)

    assert again.outputs[0].sha256 == head_run[1].outputs[0].sha256


def test_nothing_is_looked_for_where_the_scan_alone_is_wanted(small_scan: Path, tmp_path: Path) -> None:
    outputs = (OutputFile("volumes", ".nii.gz", ()), OutputFile("archive", ".zip", ()))
    request = Request(inputs=(InputFile("cbct", str(small_scan), ""),), outputs=outputs)

    result = run(request, tmp_path, lambda progress: None)

    assert [output.status for output in result.outputs] == ["Available", "Available"]
    assert result.receipt["options"] == {}


def test_a_scan_without_a_jaw_succeeds_and_says_so(tmp_path: Path) -> None:
    result = run(request_for(shared_path("scans/gantry_tilt_dicom"), "mandible"), tmp_path, lambda progress: None)
    (output,) = result.outputs

    assert result.success
    assert (output.status, output.path) == ("Missing", None)
    assert output.reason is not None
    assert output.reason["code"] == "not_in_field_of_view"


def test_a_file_that_is_no_scan_fails_with_the_reason_and_a_clean_exit(tmp_path: Path) -> None:
    (tmp_path / "letter.dcm").write_text("Dear colleague, please find the scan attached." * 10)
    request_for(Path("letter.dcm"), "mandible").save(tmp_path)

    child = subprocess.run(
        [sys.executable, "-m", "gnathos.pipeline", str(tmp_path)], capture_output=True, text=True, check=True
    )
    result = Result.load(tmp_path)

    assert not result.success
    assert result.error is not None
    assert result.error["code"] == "format_not_recognised"
    assert json.loads(child.stdout.splitlines()[-1])["stage"] == "read"


def test_an_option_out_of_range_is_refused(tmp_path: Path) -> None:
    scan = shared_path("scans/head_ct_dicom")
    request = request_for(scan, "mandible", options={"mandible": {"decimateMaxError": -1}})

    result = run(request, tmp_path, lambda progress: None)

    assert not result.success
    assert result.error is not None
    assert result.error["code"] == "invalid_option"


def test_runs_again_and_with_other_thread_counts_give_the_same_bytes(small_scan: Path, tmp_path: Path) -> None:
    names = ("mandible", "skull", "airway", "soft_tissue")
    request = Request((InputFile("cbct", str(small_scan), ""),), (OutputFile("meshes", ".stl", names),))
    files = []
    for place, threads in enumerate((1, 2, 1)):
        folder = tmp_path / str(place)
        folder.mkdir()
        (output,) = run(request, folder, lambda progress: None, Engine(threads=threads)).outputs
        files.append((folder / str(output.path)).read_bytes())

    assert files[0] == files[1] == files[2]
