"""One child process: its limits, its lines, its end."""

import asyncio
import sys
import time
from pathlib import Path

import psutil
import pytest

from gnathos.children.child import ChildEnd, ChildLimits, run_child
from gnathos.children.scratch import scratch_folder

MEGABYTE = 10**6


def run(folder: Path, program: str, seconds: float = 20, memory_mb: int = 500) -> tuple[ChildEnd, list[bytes]]:
    lines: list[bytes] = []
    limits = ChildLimits(memory_mb * MEGABYTE, seconds, {"ADDED": "yes"})
    end = asyncio.run(run_child([sys.executable, "-c", program], folder, limits, lines.append))
    return end, lines


def test_lines_are_heard_and_a_good_end_is_none_of_a_crash(tmp_path: Path) -> None:
    end, lines = run(tmp_path, "import os; print('one'); print(os.environ['ADDED'], os.getcwd(), os.environ['TMPDIR'])")

    assert end.crash() is None
    assert lines == [b"one\n", f"yes {tmp_path} {tmp_path}\n".encode()]


def test_relative_import_paths_still_lead_where_they_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "src")

    _, lines = run(tmp_path, "import sys; print(sys.path)")

    assert str(Path("src").absolute()).encode() in lines[0]


def test_secrets_are_not_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GNATHOS_DATABASE_URL", "hush-hush")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")

    _, lines = run(tmp_path, "import os; print(os.environ)")

    assert b"hush" not in lines[0]


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("raise SystemExit(7)", "The computation ended with code 7."),
        ("import os; os.kill(os.getpid(), 9)", "The computation was killed by signal 9, as the system does"),
        ("import os; os.kill(os.getpid(), 11)", "The computation was killed by signal 11."),
        ("bytearray(10**10)", "The computation needed more memory than it may use."),
        ("import time; time.sleep(60)", "The computation took longer than it may."),
        ("import os; os.close(1); import time; time.sleep(60)", "The computation took longer than it may."),
    ],
)
def test_crashes_are_told_apart(tmp_path: Path, program: str, said: str) -> None:
    began = time.monotonic()
    end, _ = run(tmp_path, program, seconds=2)

    assert (end.crash() or "").startswith(said)
    assert time.monotonic() - began < 10


def test_long_lines_and_much_noise_are_survived(tmp_path: Path) -> None:
    program = "import sys; print('x' * 3_000_000); sys.stderr.write('y' * 3_000_000 + 'end'); print('last')"

    end, lines = run(tmp_path, program)

    assert end.crash() is None
    assert lines[-1].endswith(b"last\n")
    assert end.error_tail.endswith("yend")
    assert len(end.error_tail) == 4000


def test_what_a_child_started_ends_with_it(tmp_path: Path) -> None:
    program = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid, flush=True); raise SystemExit(1)"

    _, lines = run(tmp_path, program, seconds=5)

    deadline = time.monotonic() + 5
    while is_running(int(lines[0])):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(process_id: int) -> bool:
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_cancelled_child_is_killed(tmp_path: Path) -> None:
    lines: list[bytes] = []
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"

    async def cancel_when_started() -> None:
        limits = ChildLimits(500 * MEGABYTE, 60, {})
        child = asyncio.create_task(run_child([sys.executable, "-c", program], tmp_path, limits, lines.append))
        while not lines:
            await asyncio.sleep(0.02)
        child.cancel()
        with pytest.raises(asyncio.CancelledError):
            await child

    asyncio.run(cancel_when_started())
    assert not psutil.pid_exists(int(lines[0]))


def test_scratch_folders_of_dead_workers_are_deleted(tmp_path: Path) -> None:
    dead = tmp_path / "dead"
    dead.mkdir()
    (dead / "scan").write_bytes(b"x")
    (tmp_path / "dead.lock").touch()

    with scratch_folder(tmp_path) as first, scratch_folder(tmp_path) as second:
        assert not dead.exists()
        assert first.exists()
        assert second.exists()
        assert first.stat().st_mode & 0o777 == 0o700

    assert list(tmp_path.iterdir()) == []
