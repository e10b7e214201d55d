"""A process of the engine that is started again whenever it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping

from gnathos.supervisor.logs import LogPump
from gnathos.tether import tethered

RESTART_DELAYS_S = (0.1, 0.5, 1, 2, 5, 10)
"""After the first, second, … end in a row; the last one from then on."""
HEALTHY_AFTER_S = 30
"""A role that ran so long starts its delays anew."""


class Role:
    """One of `api` and `worker`; dies with the supervisor, whatever kills that."""

    def __init__(self, name: str, pump: LogPump, environment: Mapping[str, str]) -> None:
        self.name = name
        self.process: subprocess.Popen[bytes] | None = None
        self._pump = pump
        self._environment = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
        self._failures = 0
        self._started_at = 0.0
        self._start_at = 0.0

    def keep_running(self) -> None:
        """Start it, if it is time to."""
        if self.process is not None and self.process.poll() is not None:
            self._note_end(self.process.returncode)
            self.process = None
        if self.process is None and time.monotonic() >= self._start_at:
            self._start()

    def ask_to_end(self, end_signal: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal."""
        if self.process is not None:
            self.process.send_signal(end_signal)

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it runs."""
        return self.process is None or self.process.poll() is not None

    def _start(self) -> None:
        command = [sys.executable, "-m", f"gnathos.{self.name}"]
        self.process = subprocess.Popen(
            tethered(command, signal.SIGKILL),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in a terminal is for the supervisor, which ends the roles in order
        )
        assert self.process.stdout is not None  # noqa: S101 - it was asked for
        self._pump.follow(self.name, self.process.stdout)
        self._started_at = time.monotonic()

    def _note_end(self, exit_code: int) -> None:
        if time.monotonic() - self._started_at > HEALTHY_AFTER_S:
            self._failures = 0
        delay_s = RESTART_DELAYS_S[min(self._failures, len(RESTART_DELAYS_S) - 1)]
        self._failures += 1
        self._start_at = time.monotonic() + delay_s
        self._pump.say(self.name, f"ended with code {exit_code}; starting again in {delay_s:g} s")
