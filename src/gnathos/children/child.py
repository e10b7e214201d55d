"""A child process: started in its limits, listened to, and ended."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

CAGE = Path(__file__).with_name("cage.py")

LINE_BYTES = 1_000_000
"""Longest line that a child may print."""

TAIL_BYTES = 4000
"""How much of the end of a child's error stream is kept."""

DRAIN_S = 1.0
"""How long the pipes of a child that has ended may take to close."""

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
"""What a child gets of the worker's environment: not the secrets of the database and the store."""

OUT_OF_MEMORY = ("MemoryError", "bad_alloc", "Unable to allocate", "Cannot allocate memory", "Failed to allocate")
"""What programs say when an allocation is refused."""


@dataclass(frozen=True)
class ChildLimits:
    """What an attempt may use."""

    memory_bytes: int
    seconds: float
    environment: dict[str, str]
    """Added to what is passed on."""


@dataclass(frozen=True)
class ChildEnd:
    """How a child ended."""

    return_code: int
    """Negative: the signal that ended it."""
    in_time: bool
    error_tail: str
    """The end of what it wrote to its error stream."""

    def crash(self) -> str | None:
        """A sentence on why it crashed; None if it ended well."""
        if not self.in_time:
            return "The computation took longer than it may."
        if any(sign in self.error_tail for sign in OUT_OF_MEMORY) and self.return_code != 0:
            return "The computation needed more memory than it may use."
        if self.return_code == -signal.SIGKILL:
            return "The computation was killed by signal 9, as the system does when memory runs out."
        if self.return_code < 0:
            return f"The computation was killed by signal {-self.return_code}."
        return f"The computation ended with code {self.return_code}." if self.return_code else None


async def run_child(
    command: Sequence[str], folder: Path, limits: ChildLimits, hear: Callable[[bytes], None]
) -> ChildEnd:
    """Run a command to its end; it is killed when its time is over and when this is cancelled.

    Args:
        command: what to run.
        folder: where it runs.
        limits: what it may use.
        hear: told each line that it prints.
    """
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-I", "-S", str(CAGE), str(os.getpid()), str(limits.memory_bytes), *command],
        cwd=folder,
        env=_environment(folder, limits),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE_BYTES,
        start_new_session=True,
    )
    in_time = True
    tail = _Tail()
    reading = asyncio.create_task(tail.read(process))
    try:
        async with asyncio.timeout(limits.seconds):
            await _hear_lines(process, hear)
            await process.wait()
    except TimeoutError:
        in_time = False
    finally:
        kill_group(process.pid)
        return_code = await process.wait()
        await _drain(process, reading)
    return ChildEnd(return_code, in_time, tail.text())


def _environment(folder: Path, limits: ChildLimits) -> dict[str, str]:
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    if passed_on.get("PYTHONPATH"):  # the child runs in another folder
        paths = passed_on["PYTHONPATH"].split(os.pathsep)
        passed_on["PYTHONPATH"] = os.pathsep.join(str(Path(path).absolute()) for path in paths)
    return passed_on | limits.environment | {"TMPDIR": str(folder)}


def kill_group(process_id: int) -> None:
    """Kill a process and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process_id, signal.SIGKILL)


async def _hear_lines(process: asyncio.subprocess.Process, hear: Callable[[bytes], None]) -> None:
    assert process.stdout is not None  # noqa: S101 - for the type checker
    while True:
        try:
            line = await process.stdout.readline()
        except ValueError:  # a line beyond the limit: the reader has dropped it
            continue
        if not line:
            return
        hear(line)


async def _drain(process: asyncio.subprocess.Process, reading: "asyncio.Task[None]") -> None:
    """Read what is left in the pipes, so that they close; not for long: somebody else may hold their other ends."""
    assert process.stdout is not None  # noqa: S101 - for the type checker
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            while await process.stdout.read(LINE_BYTES):
                pass
            await reading
    reading.cancel()


class _Tail:
    """The end of what a child writes to its error stream."""

    def __init__(self) -> None:
        self._bytes = b""

    async def read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None  # noqa: S101 - for the type checker
        while chunk := await process.stderr.read(TAIL_BYTES):
            self._bytes = (self._bytes + chunk)[-TAIL_BYTES:]

    def text(self) -> str:
        return self._bytes.decode(errors="replace")
