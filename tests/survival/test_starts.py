"""Starting twice, stopping in a hurry, and what the first start says."""

import json
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

from tests.engine import RunningEngine
from tests.processes import command_of, descendants_of

UP = [sys.executable, "-m", "gnathos.cli", "up"]


def test_a_second_start_on_one_folder_refuses_in_a_sentence(engine: RunningEngine) -> None:
    second = subprocess.run(
        [*UP, "--data", str(engine.data), "--port", "0"], capture_output=True, text=True, timeout=60, check=False
    )

    assert engine.process is not None
    assert second.returncode == 5
    assert second.stderr.splitlines() == [
        f"Another engine (process {engine.process.pid}) is running on {engine.data}.",
        "Stop the other one, or give this one a folder of its own with --data.",
    ]
    assert engine.is_ready()


def test_a_port_that_is_taken_is_told_in_a_sentence(engine: RunningEngine, tmp_path: Path) -> None:
    port = engine.url.rpartition(":")[2]
    second = subprocess.run(
        [*UP, "--data", str(tmp_path / "data"), "--port", port], capture_output=True, text=True, timeout=60, check=False
    )

    assert second.returncode == 5
    assert second.stderr.splitlines() == [
        f"Cannot listen on 127.0.0.1, port {port}: Address already in use.",
        "Choose another port with --port, or 0 for a free one.",
    ]


def test_the_credentials_are_for_the_owner_only(engine: RunningEngine) -> None:
    credentials = engine.data / "credentials.json"

    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600
    assert stat.S_IMODE(engine.data.stat().st_mode) == 0o700
    assert {"client_id", "client_secret", "url", "token_url", "audience"} <= json.loads(credentials.read_text()).keys()


def test_the_lines_that_the_first_start_prints_work_as_they_stand(engine: RunningEngine, tmp_path: Path) -> None:
    printed = engine.log.read_text()
    lines = printed[printed.index("TOKEN=$(") : printed.index("]}}'") + len("]}}'")]
    ended = subprocess.run(["sh", "-c", lines], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == 0, ended.stderr
    assert {"jobId", "presignedUploadUrl"} <= json.loads(ended.stdout).keys()


def test_a_second_signal_hurries_the_end_and_leaves_no_process(tmp_path: Path) -> None:
    engine = RunningEngine(tmp_path / "data")
    engine.start()
    assert engine.process is not None
    left = descendants_of(engine.process.pid)

    began = time.monotonic()
    engine.process.send_signal(signal.SIGTERM)
    engine.process.send_signal(signal.SIGTERM)

    assert engine.process.wait(10) == 0
    assert time.monotonic() - began < 5
    assert not any(command_of(pid) for pid in left)
