"""Runs on surface scans alone, and doing a run again."""

import json
import shutil
from pathlib import Path

import pytest
from tests.makers import surfaces as meshes

from gnathos.cli import replay as cli_replay
from gnathos.cli.exits import Exit
from gnathos.errors import ReplayRefused
from gnathos.meshing import read_stl
from gnathos.pipeline import InputFile, OutputFile, Progress, Request, Result
from gnathos.pipeline.replay import replay
from gnathos.pipeline.run import run

OUTPUTS = (
    OutputFile("meshes", ".stl", ("ios_upper",), 0),
    OutputFile("meshes", ".stl", ("tooth11",), 1),
    OutputFile("meshes", ".stl", ("mandible",), 2),
    OutputFile("meshes", ".stl", ("facial", "ios_upper"), 3),
    OutputFile("meshes", ".stl", ("facial",), 4),
    OutputFile("meshes", ".stl", ("fused_tooth11",), 5),
    OutputFile("report", ".json", (), 0),
    OutputFile("previews", ".png", ("ios_upper",), 0),
    OutputFile("archive", ".zip", (), 0),
)


@pytest.fixture
def upper(tmp_path: Path) -> Path:
    (tmp_path / "upper").write_bytes(meshes.ply())
    return tmp_path / "upper"


def run_on(upper: Path, folder: Path) -> Result:
    folder.mkdir()
    request = Request((InputFile("ios_upper", str(upper), ".ply"),), OUTPUTS, {"dentition": {"x": 1}}, "26.11")
    request.save(folder)
    return run(Request.load(folder), folder, lambda progress: None)


def test_a_surface_comes_back_in_the_format_asked_for_and_in_its_own_frame(upper: Path, tmp_path: Path) -> None:
    result = run_on(upper, tmp_path / "run")
    mesh = read_stl(tmp_path / "run" / str(result.outputs[0].path))

    assert result.success
    assert mesh.volume_ml == pytest.approx(meshes.VOLUME_ML)
    assert mesh.vertices_lps_mm.max(axis=0).tolist() == [30, 40, 50]
    assert result.outputs[0].measures["frame"] == "as sent"
    assert result.coordinate_system == {"frame": "as sent", "unit": "mm", "frameOfReferenceUID": None}
    assert {"code": "texture_left_out", "input": "ios_upper"}.items() <= result.warnings[0].items()


def test_each_output_is_reported_as_soon_as_its_file_is_there(upper: Path, tmp_path: Path) -> None:
    made = []

    def report(progress: Progress) -> None:
        if progress.made is not None:
            made.append(progress.made)
            path = progress.made.path
            assert path is None or (tmp_path / path).stat().st_size == progress.made.size_bytes

    request = Request((InputFile("ios_upper", str(upper), ".ply"),), OUTPUTS)
    result = run(request, tmp_path, report)

    assert made[:6] == list(result.outputs[:6])
    assert {output.kind for output in made[6:]} == {"report", "previews", "archive"}
    assert made[-1].kind == "archive"


def test_what_needs_more_than_the_surface_says_what(upper: Path, tmp_path: Path) -> None:
    result = run_on(upper, tmp_path / "run")
    reasons = {output.structures: (output.status, (output.reason or {}).get("code")) for output in result.outputs[:6]}

    assert reasons == {
        ("ios_upper",): ("Available", None),
        ("tooth11",): ("Failed", "not_supported_yet"),
        ("mandible",): ("Failed", "input_missing"),
        ("facial", "ios_upper"): ("Failed", "not_supported_yet"),
        ("facial",): ("Failed", "input_missing"),
        ("fused_tooth11",): ("Failed", "not_supported_yet"),
    }
    assert [output.status for output in result.outputs[6:]] == ["Available"] * 3
    assert [warning["code"] for warning in result.warnings][-1] == "unknown_option"


def test_a_mesh_that_cannot_be_read_fails_the_run_with_the_reason(upper: Path, tmp_path: Path) -> None:
    upper.write_bytes(meshes.ply()[:-9])
    result = run_on(upper, tmp_path / "run")

    assert not result.success
    assert result.error is not None
    assert result.error["code"] == "surface_unreadable"


def test_a_run_done_again_from_its_receipt_gives_the_same_bytes(upper: Path, tmp_path: Path) -> None:
    receipt = json.loads(json.dumps(run_on(upper, tmp_path / "run").receipt))
    moved = Path(shutil.copy(upper, tmp_path / "elsewhere"))
    (tmp_path / "again").mkdir()

    again = replay(receipt, {"ios_upper": moved}, tmp_path / "again", lambda progress: None)

    assert again.is_same
    assert again.changed == ()


def test_what_differs_is_named(upper: Path, tmp_path: Path) -> None:
    receipt = json.loads(json.dumps(run_on(upper, tmp_path / "run").receipt))
    receipt["outputs"][0]["sha256"] = "0" * 64
    receipt["libraries"]["numpy"] = "1.0"
    (tmp_path / "again").mkdir()

    again = replay(receipt, {"ios_upper": upper}, tmp_path / "again", lambda progress: None)

    assert again.differing == ("meshes 0",)
    assert [change.startswith("numpy 1.0, now ") for change in again.changed] == [True]


def test_another_file_than_then_is_refused(upper: Path, tmp_path: Path) -> None:
    receipt = run_on(upper, tmp_path / "run").receipt
    upper.write_bytes(meshes.ply(">"))

    with pytest.raises(ReplayRefused, match="not the file of then"):
        replay(receipt, {"ios_upper": upper}, tmp_path, lambda progress: None)
    with pytest.raises(ReplayRefused, match="not given"):
        replay(receipt, {}, tmp_path, lambda progress: None)
    with pytest.raises(ReplayRefused, match="does not say"):
        replay({"inputs": []}, {}, tmp_path, lambda progress: None)


def test_the_command_line_replays_a_result(upper: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_on(upper, tmp_path / "run")
    (tmp_path / "result.json").write_text(json.dumps({"receipt": result.receipt}))

    assert cli_replay.run(tmp_path / "result.json", [f"ios_upper={upper}"], as_json=False) is Exit.OK
    assert "same bytes in all of 9 outputs" in capsys.readouterr().out

    result.receipt["outputs"][0]["sha256"] = "0" * 64
    (tmp_path / "receipt.json").write_text(json.dumps(result.receipt))

    assert cli_replay.run(tmp_path / "receipt.json", [f"ios_upper={upper}"], as_json=False) is Exit.UNEXPECTED
    assert "Other bytes: meshes 0" in capsys.readouterr().err
