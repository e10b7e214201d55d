"""The API and workers as real processes, over a PostgreSQL that can be killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from gnathos.jobs.credentials import create_client
from gnathos.jobs.database import Database, migrate

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "src"

BODY: dict[str, Any] = {
    "inputFiles": {"cbct": {"extension": ".dcm"}},
    "outputFiles": {"meshes": [{"extension": ".stl", "structures": ["mandible"]}]},
}


class Role:
    """A process that is started again whenever it ends, as the supervisor does."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self._command, self._environment, self._log = command, environment, log
        self._wanted = True
        self.process = self._start()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def stop(self) -> None:
        self._wanted = False
        self._end()
        self._thread.join()
        self._end()  # one that had ended may just have been started again

    def _end(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
        self.process.wait(timeout=30)

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            return subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log)

    def _watch(self) -> None:
        while self._wanted:
            self.process.wait()
            if self._wanted:
                time.sleep(0.2)
                self.process = self._start()


class Engine:
    """API and workers on one data folder, and a client of them."""

    def __init__(
        self, folder: Path, database_url: str, environment: Mapping[str, str] | None = None, **settings: Any
    ) -> None:
        self.folder, self.database_url = folder, database_url
        migrate(database_url)
        self.database = Database(database_url)
        with self.database.transaction() as session:
            credentials = create_client(session)
        values = {"data": folder / "data", "database_url": database_url, "port": 0, "receiving_seconds": 0, **settings}
        self._environment = {f"GNATHOS_{name.upper()}": str(value) for name, value in values.items()}
        self._environment |= environment or {}
        self._port_file = folder / "port"
        self.roles: list[Role] = []
        self.api = self.start("-m", "gnathos.api")
        self.url = f"http://127.0.0.1:{self._read_port()}"
        self._environment["GNATHOS_PORT"] = self.url.rpartition(":")[2]  # it starts again on the same port
        self.api._environment["GNATHOS_PORT"] = self._environment["GNATHOS_PORT"]
        self.http = self.client_of(*credentials)

    def client_of(self, client_id: str, client_secret: str) -> httpx2.Client:
        """With a token of its own."""
        http = httpx2.Client(base_url=self.url, timeout=30, trust_env=False)
        body = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        token = http.post("/oauth/token", json=body).raise_for_status().json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        return http

    def start(self, *command: str) -> Role:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment = kept | {"PYTHONPATH": str(SOURCE), "GNATHOS_PORT_FILE": str(self._port_file)} | self._environment
        role = Role([sys.executable, *command], environment, self.folder / f"log-{len(self.roles)}")
        self.roles.append(role)
        return role

    def start_worker(self, program: Path = HERE / "worker_with_stand_in.py") -> Role:
        return self._ready(self.start(str(program)))

    def start_real_worker(self) -> Role:
        return self._ready(self.start("-m", "gnathos.worker"))

    def _ready(self, role: Role) -> Role:
        self.wait(lambda: b"ready" in (self.folder / f"log-{len(self.roles) - 1}").read_bytes(), "worker")
        return role

    def submit(self, content: bytes = b"scan", **body: Any) -> str:
        """A job that is queued; returns its id."""
        answer = self.http.post("/24.06/job", json={**BODY, **body}).raise_for_status().json()
        urls = answer["presignedUploadUrl"]["cbct"]
        self.http.put(urls["uploadUrl"], content=content).raise_for_status()
        self.http.put(urls["notifyUrl"]).raise_for_status()
        return str(answer["jobId"])

    def poll(self, job_id: str) -> httpx2.Response:
        return self.http.get("/24.06/pollJobResults", params={"jobId": job_id})

    def wait_for_stage(self, job_id: str, *stages: str) -> dict[str, Any]:
        return self.wait(lambda: self._at_stage(job_id, stages), f"stage {stages}")

    def wait_for_end(self, job_id: str, timeout_s: float = 60) -> dict[str, Any]:
        return self.wait(lambda: self._ended(job_id), "end", timeout_s)

    def wait(self, check: Callable[[], Any], what: str, timeout_s: float = 60) -> Any:
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                found = check()
            except (httpx2.TransportError, OSError):
                found = None
            if found:
                return found
            assert time.monotonic() < deadline, f"no {what} within {timeout_s} s:\n{self.logs()[-6000:]}"
            time.sleep(0.05)

    def children(self, role: Role) -> list[psutil.Process]:
        return psutil.Process(role.process.pid).children()

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("log-*")))

    def objects(self) -> list[str]:
        root = self.folder / "data" / "objects"
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())

    def stop(self) -> None:
        for role in self.roles:
            role.stop()
        self.http.close()
        self.database.close()

    def _read_port(self) -> str:
        return self.wait(lambda: self._port_file.exists() and self._port_file.read_text(), "port")

    def _at_stage(self, job_id: str, stages: tuple[str, ...]) -> Any:
        answer = self.poll(job_id)
        assert answer.status_code != 200, answer.text
        return answer.status_code == 202 and answer.json()["stage"] in stages and answer.json()

    def _ended(self, job_id: str) -> Any:
        answer = self.poll(job_id)
        return answer.status_code == 200 and answer.json()


@pytest.fixture(scope="module")
def start_engine(tmp_path_factory: pytest.TempPathFactory, mortal_postgres) -> Iterator[Callable[..., Engine]]:
    """Starts engines; ends them with the module."""
    started: list[Engine] = []

    def start(**settings: Any) -> Engine:
        folder = tmp_path_factory.mktemp("engine")
        started.append(Engine(folder, mortal_postgres.create_database(), **settings))
        return started[-1]

    yield start
    for engine in started:
        engine.stop()
