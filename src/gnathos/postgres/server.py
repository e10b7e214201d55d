"""Making, starting and stopping the embedded PostgreSQL.

The server runs with its cluster as current folder. As root it is told `/proc/self/cwd`, which leads there even where
no other user may enter the folders above (`/root`, a data folder of mode 0700): nobody's permissions are changed.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

import psycopg

from gnathos.errors import EmbeddedPostgresFailed, PostgresVersionDiffers
from gnathos.postgres import binaries
from gnathos.tether import tethered

USER = "gnathos"
CURRENT_FOLDER = "/proc/self/cwd"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
CHECK_INTERVAL_S = 0.02
SOCKET_PREFIX = "gnathos-pg-"

CONFIGURATION = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "48MB",
    "max_wal_size": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "io_method": "sync",
    "log_checkpoints": "off",
    "log_min_messages": "warning",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
"""For one machine and a few processes; `fsync` stays on: an answered job is kept through a power cut.

Errors are logged without the rows and statements that caused them, which may hold what clients sent."""


class EmbeddedPostgres:
    """The database of one data folder.

    FOLDER/postgres-<major>/            the cluster, owned by the user that runs the server
    FOLDER/postgres-<major>.password    of the database user, readable by the engine only
    """

    def __init__(self, folder: Path, log: IO[bytes] | int | None = None) -> None:
        """Name the data folder, and where the server's log goes (default: this process's standard error)."""
        self._folder = folder.resolve()
        self._log = log
        self.cluster = self._folder / f"postgres-{binaries.major_version()}"
        self._password_file = self.cluster.with_suffix(".password")
        self._socket_folder: Path | None = None
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """How to reach it: `postgresql://…`; the same through restarts of one object."""
        password = self._password_file.read_text()
        return f"postgresql://{USER}:{password}@/postgres?host={self._socket_folder}"

    def start(self) -> None:
        """Make the cluster if there is none, start the server and wait until it takes connections.

        Raises:
            PostgresVersionDiffers: the folder holds the cluster of another major version.
            EmbeddedPostgresFailed: it cannot be made or started.
        """
        self._refuse_other_versions()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._account = binaries.unprivileged_account(self.cluster)
        self._programs = binaries.programs_for(self._account)
        self._end_previous_server()
        if not self.cluster.exists():
            self._make_cluster()
        if self._socket_folder is None:
            self._socket_folder = self._make_socket_folder()
        self._start_until_ready()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """End it cleanly (connections are cut, nothing is lost), at once after `timeout_s`."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait()
            self.process = None
        if self._socket_folder is not None:
            shutil.rmtree(self._socket_folder, ignore_errors=True)
            self._socket_folder = None

    def _refuse_other_versions(self) -> None:
        others = sorted(self._folder.glob("postgres-*/PG_VERSION"))
        if not self.cluster.exists() and others:
            found = others[-1].read_text().strip()
            raise PostgresVersionDiffers(
                f"The data folder was made with PostgreSQL {found}; "
                f"this engine brings PostgreSQL {binaries.major_version()}."
            )

    def _make_cluster(self) -> None:
        """Make it under another name first: a cluster that has its name is whole."""
        part = self.cluster.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        self._give(part)
        self._password_file.unlink(missing_ok=True)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_hex(32))
        with tempfile.TemporaryDirectory(prefix=SOCKET_PREFIX) as scratch:
            password_file = Path(scratch) / "password"
            password_file.write_text(self._password_file.read_text())
            self._give(Path(scratch), password_file)
            self._initialise(part, password_file)
        part.rename(self.cluster)

    def _initialise(self, folder: Path, password_file: Path) -> None:
        options = {
            "username": USER,
            "pwfile": str(password_file),
            "auth": "scram-sha-256",
            "encoding": "UTF8",
            "locale": "C",
            "locale-provider": "builtin",
            "builtin-locale": "C.UTF-8",
        }
        command = [str(self._programs / "initdb"), "--no-instructions", "--pgdata", self._own_name(folder)]
        command += [f"--{name}={value}" for name, value in options.items()]
        ended = subprocess.run(
            tethered(command, signal.SIGKILL, self._account), cwd=folder, capture_output=True, text=True, check=False
        )
        if ended.returncode != 0:
            raise EmbeddedPostgresFailed(f"PostgreSQL could not make its files: {_last_line(ended.stderr)}")

    def _start_until_ready(self) -> None:
        """Try again when it ends early: what a killed server left behind takes a moment to go."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                self.process = self._launch()
            if self._answers():
                return
            time.sleep(CHECK_INTERVAL_S if self.process.poll() is None else 1)
        self.stop()
        raise EmbeddedPostgresFailed("PostgreSQL did not start; its log says why.")

    def _launch(self) -> subprocess.Popen[bytes]:
        configuration = {**CONFIGURATION, "unix_socket_directories": str(self._socket_folder)}
        command = [str(self._programs / "postgres"), "-D", self._own_name(self.cluster)]
        for name, value in configuration.items():
            command += ["-c", f"{name}={value}"]
        # Its own session: Ctrl-C in a terminal goes to every process of the group, and the database is to end last.
        return subprocess.Popen(
            tethered(command, signal.SIGINT, self._account),
            cwd=self.cluster,
            stdin=subprocess.DEVNULL,
            stdout=self._log or sys.stderr,
            stderr=self._log or sys.stderr,
            start_new_session=True,
        )

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _end_previous_server(self) -> None:
        """Stop a server that outlived its engine, and clear away what a killed one left."""
        pid_file = self.cluster / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().partition("\n")[0])
        except (FileNotFoundError, ValueError):
            return
        if self._is_our_server(pid):
            self._end(pid)
        pid_file.unlink(missing_ok=True)

    def _is_our_server(self, pid: int) -> bool:
        """Whether that process is a server of this cluster: its number may long be another's."""
        try:
            current_folder = Path(f"/proc/{pid}/cwd").readlink()
            program = Path(f"/proc/{pid}/exe").readlink()
        except OSError:
            return False
        return current_folder == self.cluster and program.name.startswith("postgres")

    def _end(self, pid: int) -> None:
        for end_signal in (signal.SIGINT, signal.SIGQUIT):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, end_signal)
            deadline = time.monotonic() + STOP_TIMEOUT_S
            while time.monotonic() < deadline:
                if not self._is_our_server(pid):
                    return
                time.sleep(CHECK_INTERVAL_S)
        raise EmbeddedPostgresFailed(f"A PostgreSQL of an earlier start (process {pid}) does not end.")

    def _make_socket_folder(self) -> Path:
        """A private folder of short name: the path of a socket may have 107 characters.

        Its name is noted in the data folder, so that the next start clears away what a killed engine left.
        """
        note = self.cluster.with_suffix(".socket")
        if note.exists() and Path(note.read_text()).name.startswith(SOCKET_PREFIX):
            shutil.rmtree(note.read_text(), ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=SOCKET_PREFIX))
        note.write_text(str(folder))
        self._give(folder)
        return folder

    def _give(self, *paths: Path) -> None:
        if self._account is not None:
            for path in paths:
                os.chown(path, self._account.user_id, self._account.group_id)

    def _own_name(self, folder: Path) -> str:
        return CURRENT_FOLDER if self._account is not None else str(folder)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it gave no reason"
