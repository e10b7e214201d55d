"""Bad scans from end to end: a sentence, something to do, a stable code; over HTTP and offline."""

import json
from pathlib import Path

import pytest
from tests.cli.bad_scans import BAD_SCANS
from tests.engine import RunningEngine
from tests.shared import shared_path

from gnathos.cli import segment
from gnathos.cli.exits import Exit
from gnathos.errors import EngineRefused

MANDIBLE = {"meshes": [{"extension": ".stl", "structures": ["mandible"]}]}
SENT = [name for name in BAD_SCANS if name != "empty"]


@pytest.mark.parametrize("name", BAD_SCANS)
def test_offline(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, code = BAD_SCANS[name]
    scan = make(tmp_path)
    exit_code = segment.run(scan, tmp_path / "mandible.stl", ["mandible"], as_json=True)

    assert exit_code is Exit.SCAN_UNREADABLE
    printed = capsys.readouterr()
    error = json.loads(printed.out)["error"]
    assert error["code"] == code
    assert printed.err.splitlines()[-2:] == [error["detail"], error["remedy"]]
    assert str(tmp_path) not in printed.out
    assert not (tmp_path / "mandible.stl").exists()


def test_over_http_each_ends_in_seconds_with_the_reason(engine: RunningEngine, tmp_path: Path) -> None:
    jobs = {name: send(engine, BAD_SCANS[name][0](tmp_path / name)) for name in SENT if not (tmp_path / name).mkdir()}
    ended = {name: engine.client().wait(job_id, timeout_s=120) for name, job_id in jobs.items()}

    codes = {name: (result["success"], result["error"]["code"]) for name, result in ended.items()}
    assert codes == {name: (False, BAD_SCANS[name][1]) for name in SENT}
    assert all(result["error"]["remedy"] for result in ended.values())
    assert {result["state"] for result in ended.values()} == {"failed"}


def send(engine: RunningEngine, scan: Path) -> str:
    return engine.client().send(scan, MANDIBLE).id


def test_an_empty_file_is_refused_at_the_notification(engine: RunningEngine, tmp_path: Path) -> None:
    with pytest.raises(EngineRefused, match=r"422 \(upload_empty\)"):
        send(engine, BAD_SCANS["empty"][0](tmp_path))


def test_a_scan_without_a_jaw_over_http(engine: RunningEngine) -> None:
    job_id = send(engine, shared_path("scans/gantry_tilt_dicom"))
    result = engine.client().wait(job_id, timeout_s=120)

    (mesh,) = result["outputFiles"]["meshes"]
    assert (result["success"], mesh["status"], mesh["url"]) == (True, "Missing", None)
    assert mesh["reason"]["detail"]


def test_a_scan_without_a_jaw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scan = shared_path("scans/gantry_tilt_dicom")
    exit_code = segment.run(scan, tmp_path / "mandible.stl", ["mandible"], as_json=True)

    assert exit_code is Exit.NOTHING_FOUND
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert result["success"] is True
    assert result["outputs"][0]["status"] == "Missing"
    assert result["outputs"][0]["reason"]["detail"]
    assert "no file was written" in printed.err
    assert list(tmp_path.iterdir()) == []
