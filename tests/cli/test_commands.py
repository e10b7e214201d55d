"""Every command, as a person at a terminal runs it."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.engine import RunningEngine

from gnathos.cli.mesh_check import facts_of_stl
from gnathos.dicom import read_dicom
from gnathos.imaging.formats import read_volume_file
from gnathos.imaging.limits import Limits

COMMANDS = (
    *("up", "serve", "worker", "segment", "phantom", "submit", "jobs", "watch", "download", "cancel", "delete"),
    *("evaluate", "replay", "admin", "credentials", "doctor"),
)


def gnathos(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gnathos.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "COLUMNS": "200", **environment},
    )


def test_help_lists_the_commands_and_does_not_wait_for_the_libraries() -> None:
    modules = "import sys, gnathos.cli; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", modules], capture_output=True, text=True, check=True).stdout.split()
    before = os.times()
    shown = gnathos("--help")
    after = os.times()

    assert shown.returncode == 0
    for command in COMMANDS:
        assert f" {command} " in shown.stdout
    assert not {"numpy", "sqlalchemy", "onnxruntime", "fastapi", "pydicom"} & set(loaded)
    used_s = after.children_user + after.children_system - before.children_user - before.children_system
    assert used_s < 0.5


def test_the_version_is_printed() -> None:
    assert gnathos("--version").stdout.startswith("gnathos ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["segment", "README.md", "-s", "mandble", "-o", "x.stl"], "Did you mean mandible?"),
        (["segment", "README.md", "-s", "mandible", "-o", "x.vtk"], "'.vtk' is not supported"),
        (["segment", "nowhere.dcm", "-s", "mandible", "-o", "x.stl"], "does not exist"),
        (["segment", "README.md", "-o", "x.stl"], "Missing option"),
        (["phantom", "x.dcm", "--missing", "eight"], "Teeth are written as FDI numbers"),
        (["phantom", "x.dcm", "--field-of-view", "large"], "A field of view is written 150x150x120"),
    ],
)
def test_a_wrong_command_line_is_told_in_a_sentence(arguments: list[str], sentence: str) -> None:
    ended = gnathos(*arguments)

    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_wrong_setting_is_told_in_a_sentence() -> None:
    ended = gnathos("doctor", GNATHOS_PORT="eighty")

    assert ended.returncode == 2
    assert "GNATHOS_PORT is 'eighty'" in ended.stderr


@pytest.mark.parametrize("command", ["serve", "worker", "credentials"])
def test_a_role_alone_needs_a_database(command: str) -> None:
    ended = gnathos(command)

    assert ended.returncode == 5
    assert "No database was named." in ended.stderr


def test_a_port_that_is_taken_is_told_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        ended = gnathos("serve", "--port", port, GNATHOS_DATABASE_URL="postgresql://127.0.0.1/none")

    assert ended.returncode == 5
    assert f"Cannot listen on 127.0.0.1, port {port}: Address already in use." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_credentials_are_made_in_a_database_of_ones_own(database_url: str) -> None:
    ended = gnathos("credentials", "--tenant", "clinic", "--json", GNATHOS_DATABASE_URL=database_url)

    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout).keys() == {"client_id", "client_secret", "audience"}


def test_a_phantom_and_its_labels_lie_on_one_grid(tmp_path: Path) -> None:
    arguments = ["--spacing", "2", "--field-of-view", "120x100x80", "--missing", "18,28", "--metal", "36", "--marker"]
    ended = gnathos("phantom", tmp_path / "head.dcm", "--truth", tmp_path / "labels.nii.gz", *arguments)
    assert ended.returncode == 0, ended.stderr
    scan = read_dicom(tmp_path / "head.dcm", Limits())
    truth = read_volume_file(tmp_path / "labels.nii.gz", ".nii.gz", Limits())

    assert scan.voxels.shape == truth.voxels.shape == (40, 50, 60)
    assert abs(scan.affine_lps - truth.affine_lps).max() < 1e-4
    present = set(truth.voxels.ravel().tolist())
    assert {2, 17, 27} <= present
    assert not {18, 28} & present


def test_one_mesh_of_what_is_found_with_the_rest_listed(small_scan: Path, tmp_path: Path) -> None:
    mesh = tmp_path / "new" / "jaw.stl"
    ended = gnathos("segment", small_scan, "-s", "mandible", "-s", "tooth11", "-o", mesh)

    assert ended.returncode == 0, ended.stderr
    facts = facts_of_stl(mesh)
    assert facts.is_watertight
    assert f"{facts.volume_ml:.2f} ml, {facts.triangles} triangles, watertight" in ended.stdout
    assert "tooth11" in ended.stdout
    assert [path.name for path in mesh.parent.iterdir()] == ["jaw.stl"]


def test_a_scan_sent_to_an_engine_comes_back_as_a_mesh(engine: RunningEngine, small_scan: Path, tmp_path: Path) -> None:
    known = ("--credentials", engine.data / "credentials.json")
    ended = gnathos("submit", small_scan, "-s", "mandible", "-s", "tooth11", "-o", tmp_path, *known)

    assert ended.returncode == 0, ended.stderr
    rows = {line.split()[1]: line for line in ended.stdout.splitlines() if "tooth11" in line or "mandible" in line}
    assert "Available" in rows["mandible"]
    assert str(tmp_path / "mandible.stl") in rows["mandible"]
    assert facts_of_stl(tmp_path / "mandible.stl").is_watertight
    assert "segmenting" in ended.stderr


def test_a_job_that_is_not_waited_for_is_watched_fetched_and_erased(
    engine: RunningEngine, small_scan: Path, tmp_path: Path
) -> None:
    known = ("--credentials", engine.data / "credentials.json")
    job = gnathos("submit", small_scan, "-s", "mandible", "--no-wait", *known).stdout.strip()
    early = gnathos("download", job, "-o", tmp_path, *known)
    watched = gnathos("watch", job, *known, "--json")
    fetched = gnathos("download", job, "-o", tmp_path, *known, "--json")
    listed = gnathos("jobs", "--state", "succeeded", *known)
    erased = gnathos("delete", job, *known)
    gone = gnathos("watch", job, *known, "--json")

    if early.returncode:  # or the job was quicker
        assert early.returncode == 5
        assert f"gnathos watch {job}" in early.stderr
    assert (watched.returncode, json.loads(watched.stdout)["state"]) == (0, "succeeded"), watched.stderr
    assert json.loads(fetched.stdout)["saved"] == [str(tmp_path / "mandible.stl")]
    assert job in listed.stdout
    assert erased.stdout == f"{job} is deleted.\n"
    assert gone.returncode == 5
    assert "job_deleted" in json.loads(gone.stdout)["error"]["detail"]


def test_an_engine_that_is_not_there(small_scan: Path, tmp_path: Path) -> None:
    no_file = gnathos("submit", small_scan, "-s", "mandible", "--credentials", tmp_path / "none.json")
    assert no_file.returncode == 5
    assert "There are no credentials in" in no_file.stderr


def test_what_nobody_thought_of_is_told_in_a_sentence(tmp_path: Path) -> None:
    ended = gnathos("replay", tmp_path, "-i", "scan.dcm")
    debugged = gnathos("replay", tmp_path, "-i", "scan.dcm", GNATHOS_LOG_LEVEL="DEBUG")

    assert ended.returncode == debugged.returncode == 1
    assert "Is a directory" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Traceback" in debugged.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_commands(shell: str) -> None:
    words = {"COMP_WORDS": "gnathos se", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "gnathos se"}
    asked = {**os.environ, **words, "_GNATHOS_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    program = Path(sys.executable).with_name("gnathos")
    told = subprocess.run([program], env=asked, capture_output=True, text=True, check=False).stdout

    assert "segment" in told
    assert "serve" in told
    assert "doctor" not in told


def test_ctrl_c_ends_a_command_with_its_own_code(small_scan: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gnathos.cli", "segment", small_scan, "-s", "mandible", "-o", tmp_path / "x.stl"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    with running, running.stderr as lines:
        assert "starting" in lines.readline() or lines.readline()
        running.send_signal(signal.SIGINT)
        rest = lines.read()

    assert running.returncode == 130
    assert "Traceback" not in rest
    assert list(tmp_path.iterdir()) == []
