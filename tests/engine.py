"""A real engine for tests: `gnathos up` with everything it starts, on a free port and a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2

from gnathos.client import Engine
from gnathos.tether import tethered

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60

ALLOWED_ADDRESS = "127.0.0.2"
"""Of this machine, too: where the tests' shared engine may follow clients' URLs to. 127.0.0.1 stays refused."""


class RunningEngine:
    """One `gnathos up`; may be killed and started again on its folder."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.log = data.with_name(f"{data.name}.log")
        self._environment = {**os.environ, **environment}
        self.process: subprocess.Popen[bytes] | None = None
        self.credentials: dict[str, str] = {}
        self._client: Engine | None = None

    @property
    def url(self) -> str:
        return self.credentials["url"]

    def start(self) -> None:
        """Start it and wait until it takes jobs."""
        command = [sys.executable, "-m", "gnathos.cli", "up", "--data", str(self.data), "--port", "0"]
        credentials = self.data / "credentials.json"
        began = credentials.stat().st_mtime_ns if credentials.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                tethered(command, signal.SIGTERM), stdout=log, stderr=log, env=self._environment, start_new_session=True
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not credentials.exists() or credentials.stat().st_mtime_ns == began:
            self._check_starting(deadline)
        self.credentials = json.loads(credentials.read_text())
        while not self.is_ready():
            self._check_starting(deadline)

    def is_ready(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/health/ready").is_success
        except httpx2.TransportError:
            return False

    def stop(self) -> int:
        """End it as Ctrl-C does; the exit code."""
        assert self.process is not None
        self._close_client()
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_TIMEOUT_S)

    def kill(self) -> None:
        assert self.process is not None
        self._close_client()
        self.process.kill()
        self.process.wait()

    def client(self) -> Engine:
        """A client, until the engine is stopped or killed."""
        if self._client is None:
            known = self.credentials
            self._client = Engine(known["url"], known["client_id"], known["client_secret"], audience=known["audience"])
        return self._client

    def _close_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def token(self) -> str:
        wanted = {key: self.credentials[key] for key in ("client_id", "client_secret", "audience", "grant_type")}
        answer = httpx2.post(self.credentials["token_url"], json=wanted)
        token = answer.raise_for_status().json()["access_token"]
        assert isinstance(token, str)
        return token

    def _check_starting(self, deadline: float) -> None:
        assert self.process is not None
        is_starting = self.process.poll() is None and time.monotonic() < deadline
        assert is_starting, self.log.read_text(errors="replace")[-4000:]
        time.sleep(0.1)
