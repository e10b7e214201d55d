"""Started in place of a command: sets its limits, then becomes it.

    python -I -S cage.py PARENT_PID MEMORY_BYTES COMMAND…

A process of its own, because code between fork and exec of a program with threads may hang. It imports nothing of
the project, so that it costs some milliseconds.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
"""Of Linux's prctl: the signal that a process gets when its parent ends."""

NICENESS = 5
"""Attempts step back behind the API and the database on the same machine."""

FIRST_TO_GO = "700"
"""Where memory runs out, the kernel ends the attempt rather than the worker or the database."""


def main() -> None:
    """Set the limits and become the command."""
    parent_pid, memory_bytes, *command = sys.argv[1:]
    _end_with_parent(int(parent_pid))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # RLIMIT_AS would count what is only reserved: onnxruntime and numpy reserve far more than they use.
    resource.setrlimit(resource.RLIMIT_DATA, (int(memory_bytes), int(memory_bytes)))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO)
    os.nice(NICENESS)
    os.execvp(command[0], command)  # noqa: S606 - no shell is what we want


def _end_with_parent(parent_pid: int) -> None:
    """Be killed when the worker ends, however it ends."""
    with contextlib.suppress(OSError, AttributeError):  # only Linux has it
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        sys.exit("the worker has ended")


if __name__ == "__main__":
    main()
