"""Real S3 and Azure Blob servers that check signatures: nanio (PyPI) and azurite (npm)."""

import base64
import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.utils import formatdate
from pathlib import Path

import httpx2
import obstore
import pytest
from obstore.store import AzureStore, S3Store
from tests.ports import free_port

AZURITE = Path(__file__).parent / "node" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Of azurite's only account, as its manual has it."""
CONTAINER = "clinic"
START_TIMEOUT_S = 120

Store = S3Store | AzureStore


@dataclass(frozen=True)
class Cloud:
    """A bucket or container in a running server."""

    store: Store
    url: str
    """As `GNATHOS_STORE_URL` takes it."""
    environment: dict[str, str]
    """What the store's library reads besides."""
    process: "subprocess.Popen[bytes]"

    def signed(self, method: str, key: str, seconds: int = 60) -> str:
        """A presigned URL, as clients have their own cloud make them."""
        return obstore.sign(self.store, method, key, timedelta(seconds=seconds))


@contextmanager
def running_s3(folder: Path) -> Iterator[Cloud]:
    port, key, secret = free_port(), "clinic-access", "clinic-secret-of-some-length"
    (folder / "objects" / CONTAINER).mkdir(parents=True)
    program = Path(sys.executable).with_name("nanio")
    command = [str(program), "serve", "--data-dir", str(folder / "objects"), "--port", str(port)]
    given = {
        "endpoint": f"http://127.0.0.1:{port}",
        "access_key_id": key,
        "secret_access_key": secret,
        "region": "us-east-1",
    }
    environment = {f"AWS_{name.upper()}": value for name, value in given.items()} | {"AWS_ALLOW_HTTP": "true"}
    with _running(command, port, folder, NANIO_ACCESS_KEY=key, NANIO_SECRET_KEY=secret) as process:
        store = S3Store(CONTAINER, **given, client_options={"allow_http": True})
        yield Cloud(store, f"s3://{CONTAINER}", environment, process)


@contextmanager
def running_azure(folder: Path) -> Iterator[Cloud]:
    """Skips the test where there is no node, or `make test` has not installed azurite."""
    node, port = shutil.which("node"), free_port()
    if node is None or not AZURITE.exists():
        pytest.skip("node or azurite is not here: `make test` installs azurite where there is npm")
    command = [node, str(AZURITE), "--location", str(folder), "--blobPort", str(port), "--silent"]
    account, endpoint = "devstoreaccount1", f"http://127.0.0.1:{port}/devstoreaccount1"
    environment = {
        "AZURE_STORAGE_ACCOUNT_NAME": account,
        "AZURE_STORAGE_ACCOUNT_KEY": AZURITE_KEY,
        "AZURE_STORAGE_ENDPOINT": endpoint,
        "AZURE_ALLOW_HTTP": "true",
    }
    with _running([*command, "--skipApiVersionCheck", "--disableTelemetry"], port, folder) as process:
        _make_container(endpoint)
        options = {"allow_http": True}
        store = AzureStore(
            CONTAINER, account_name=account, account_key=AZURITE_KEY, endpoint=endpoint, client_options=options
        )
        yield Cloud(store, f"az://{CONTAINER}", environment, process)


@contextmanager
def _running(command: list[str], port: int, folder: Path, **environment: str) -> "Iterator[subprocess.Popen[bytes]]":
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env={**os.environ, **environment})
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _listens(port):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _make_container(endpoint: str) -> None:
    """With a shared key, by hand: the store library makes none."""
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    parts = ["PUT", *[""] * 11, *[f"{name}:{value}" for name, value in headers.items()]]
    text = "\n".join([*parts, f"/devstoreaccount1/devstoreaccount1/{CONTAINER}", "restype:container"])
    signature = base64.b64encode(hmac.digest(base64.b64decode(AZURITE_KEY), text.encode(), hashlib.sha256)).decode()
    headers["Authorization"] = f"SharedKey devstoreaccount1:{signature}"
    httpx2.put(f"{endpoint}/{CONTAINER}?restype=container", headers=headers).raise_for_status()
