"""A real PostgreSQL for the tests: one server a session, a new database a module."""

import contextlib
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gnathos.phantom import PhantomParameters, make_phantom, write_phantom
from gnathos.postgres.binaries import programs_for, unprivileged_account
from tests.engine import ALLOWED_ADDRESS, RunningEngine
from tests.ports import free_port
from tests.web_server import WebServer, running_web_server

BINARIES = programs_for(unprivileged_account(Path("/nowhere")))
"""Also where the environment is one that other users cannot enter."""
UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root."""


class PostgresServer:
    """A PostgreSQL server of the tests' own, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.password = secrets.token_hex(16)
        self.port = free_port()
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None
        self._running: subprocess.Popen[bytes] | None = None
        self._initialise()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://gnathos:{self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        options = ["-p", str(self.port), "-h", "127.0.0.1", "-k", "", "-c", "fsync=off", "-c", "shared_buffers=32MB"]
        command = [str(BINARIES / "postgres"), "-D", str(self.folder / "data"), *options]
        with (self.folder / "log").open("ab") as log:
            self._running = subprocess.Popen(
                command, user=self._user, stdout=log, stderr=log, cwd="/", start_new_session=True
            )
        self._wait_until_ready()

    def kill(self) -> None:
        """`kill -9` the whole server, as a crash of it would."""
        assert self._running is not None
        os.killpg(self._running.pid, 9)
        self._running.wait()

    def stop(self) -> None:
        assert self._running is not None
        self._running.send_signal(2)
        self._running.wait(timeout=30)

    def create_database(self) -> str:
        name = f"test_{secrets.token_hex(4)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def _initialise(self) -> None:
        if self._user:
            shutil.chown(self.folder, self._user)
        password_file = self.folder / "password"
        password_file.write_text(self.password)
        if self._user:
            os.chown(password_file, pwd.getpwnam(self._user).pw_uid, -1)
        arguments = ["-U", "gnathos", "--auth=scram-sha-256", f"--pwfile={password_file}", "--no-sync", "-E", "UTF8"]
        subprocess.run(
            [BINARIES / "initdb", "-D", self.folder / "data", "--locale=C", *arguments],
            user=self._user,
            check=True,
            cwd="/",
            stdout=subprocess.DEVNULL,
        )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url(), connect_timeout=2):
                return
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.1)


@contextlib.contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="gnathos-test-pg-") as folder:
        server = PostgresServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server that all tests share; never kill it."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def mortal_postgres() -> Iterator[PostgresServer]:
    """A server for tests that kill it."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def database_url(postgres: PostgresServer) -> str:
    """A new, empty database."""
    return postgres.create_database()


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    """`gnathos up`, shared by all tests that need a whole engine; never kill it."""
    folder = tmp_path_factory.mktemp("engine")
    engine = RunningEngine(folder / "data", GNATHOS_ALLOWED_NETWORKS=f"{ALLOWED_ADDRESS}/32")
    engine.start()
    yield engine
    assert engine.stop() == 0


@pytest.fixture(scope="session")
def small_scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom of few voxels, as one DICOM file."""
    path = tmp_path_factory.mktemp("scan") / "small.dcm"
    write_phantom(make_phantom(PhantomParameters(spacing_mm=1.2, shape=(110, 133, 133))), path)
    return path


_heard: list[tuple[str, object]] | None = None


def _listen(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.sendto", "socket.getaddrinfo"} and _heard is not None:
        _heard.append((event, arguments[0] if event == "socket.getaddrinfo" else arguments[1]))


sys.addaudithook(_listen)


@pytest.fixture
def outbound() -> Iterator[list[tuple[str, object]]]:
    """What leaves this process: connections, datagrams, names that are asked for; as the interpreter tells it."""
    global _heard  # noqa: PLW0603 - audit hooks stay for ever; this turns ours on and off
    _heard = []
    yield _heard
    _heard = None


@pytest.fixture
def web_server() -> Iterator[WebServer]:
    """A small web server on this machine."""
    with running_web_server() as server:
        yield server
