"""What the roles print: shown on standard error (not the database's), and kept in files that do not grow for ever."""

import logging
import logging.handlers
import os
import selectors
import signal
import socket
import sys
from pathlib import Path
from typing import IO, Any

LARGEST_FILE_BYTES = 10 * 10**6
FILES_KEPT = 3
CHUNK_BYTES = 65536
FILE_ONLY = frozenset({"postgres"})
"""Whose lines would only alarm: PostgreSQL calls a refused doublet an error, the queue relies on it."""


class LogPump:
    """Waits for what the roles print and for signals, all in the main thread (see `gnathos.tether`)."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._selector = selectors.DefaultSelector()
        self._unfinished: dict[IO[bytes], bytes] = {}
        self._files: dict[str, logging.Handler] = {}
        self._wake_up, self._woken = socket.socketpair()
        for end in (self._wake_up, self._woken):
            end.setblocking(False)
        self._selector.register(self._wake_up, selectors.EVENT_READ)
        self._previous_wake_up = signal.set_wakeup_fd(self._woken.fileno(), warn_on_full_buffer=False)

    def follow(self, name: str, stream: IO[bytes]) -> None:
        """Pass on what comes from the stream until it ends."""
        self._unfinished[stream] = b""
        self._selector.register(stream, selectors.EVENT_READ, name)

    def turn(self, timeout_s: float) -> None:
        """Pass on what there is; wait for more, or for a signal, at most so long."""
        for key, _ in self._selector.select(timeout_s):
            if key.fileobj is self._wake_up:
                self._wake_up.recv(CHUNK_BYTES)
            else:
                self._read(key.data, key.fileobj)

    def close(self) -> None:
        """Pass on what is left and let go of everything."""
        self.turn(0)
        signal.set_wakeup_fd(self._previous_wake_up)
        for stream in list(self._unfinished):
            stream.close()
        for file in self._files.values():
            file.close()
        self._selector.close()
        self._wake_up.close()
        self._woken.close()

    def say(self, name: str, line: str) -> None:
        """One line of a role, or about it; those of `FILE_ONLY` are not shown."""
        if name not in FILE_ONLY:
            sys.stderr.write(f"{name:8} | {line}\n")
            sys.stderr.flush()
        if name not in self._files:
            self._files[name] = logging.handlers.RotatingFileHandler(
                self._folder / f"{name}.log", maxBytes=LARGEST_FILE_BYTES, backupCount=FILES_KEPT
            )
        self._files[name].handle(logging.LogRecord(name, logging.INFO, "", 0, line, None, None))

    def _read(self, name: str, stream: Any) -> None:
        chunk = os.read(stream.fileno(), CHUNK_BYTES)
        *lines, rest = (self._unfinished[stream] + chunk).split(b"\n")
        self._unfinished[stream] = rest
        if not chunk:
            lines = [rest] if rest else []
            self._selector.unregister(stream)
            del self._unfinished[stream]
            stream.close()
        for line in lines:
            self.say(name, line.decode(errors="replace"))
