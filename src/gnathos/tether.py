"""Commands that end with the process that started them, whatever ended it, and that may run as another user.

The kernel sends the signal (Linux, PR_SET_PDEATHSIG) when the *thread* that started the command ends, so long-lived
commands are to be started by the main thread. This file is also the launcher: `python -I -S tether.py …` sets itself
up and becomes the command, so that nothing has to run between fork and exec of the starting process. It imports
nothing of ours, since it also runs where the package is not importable.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass

PR_SET_PDEATHSIG = 1
CANNOT_START = 126
"""Exit code when the command could not be started, as shells have it."""


@dataclass(frozen=True)
class Account:
    """The user that a command runs as."""

    user_id: int
    group_id: int


def tethered(command: Sequence[str], end_signal: signal.Signals, account: Account | None = None) -> list[str]:
    """The command line that runs `command` so that it gets `end_signal` when the calling thread ends."""
    identity = f"{account.user_id}:{account.group_id}" if account else "-"
    return [sys.executable, "-I", "-S", __file__, str(int(end_signal)), str(os.getpid()), identity, *command]


def _become(end_signal: int, parent: int, identity: str, command: list[str]) -> None:
    if identity != "-":
        user_id, group_id = (int(part) for part in identity.split(":"))
        os.setgroups([])
        os.setgid(group_id)
        os.setuid(user_id)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, end_signal, 0, 0, 0)
        if os.getppid() != parent:  # it ended before the kernel was told
            raise OSError("the process that started this one has already ended")
    os.execv(command[0], command)  # noqa: S606 - a list of arguments is meant, no shell


if __name__ == "__main__":
    try:
        _become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
    except OSError as error:
        sys.stderr.write(f"cannot start {sys.argv[4]}: {error}\n")
        sys.exit(CANNOT_START)
