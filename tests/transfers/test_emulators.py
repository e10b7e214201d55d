"""Presigned URLs of real S3 and Azure Blob servers that check signatures: nanio (PyPI) and azurite (npm).

Skipped where the programs `nanio` and `azurite-blob` are not on the PATH.
"""

import asyncio
import base64
import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from email.utils import formatdate
from pathlib import Path

import httpx2
import obstore
import pytest
from obstore.store import AzureStore, S3Store

from gnathos.errors import DeliveryFailed, DownloadFailed
from gnathos.transfers.fetch import download
from gnathos.transfers.guard import UrlGuard
from gnathos.transfers.network import guarded_client
from gnathos.transfers.push import push

CONTENT = os.urandom(2_000_000)
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Of azurite's only account, as its manual has it."""

Store = S3Store | AzureStore


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not on the PATH")
    return found


def started(command: list[str], port: int, folder: Path, **environment: str) -> "subprocess.Popen[bytes]":
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env={**os.environ, **environment})
    deadline = time.monotonic() + 30
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return running
        assert running.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.1)


@pytest.fixture(scope="module")
def s3(tmp_path_factory) -> Iterator[Store]:
    port, folder = free_port(), tmp_path_factory.mktemp("nanio")
    (folder / "objects" / "clinic").mkdir(parents=True)
    keys = {"NANIO_ACCESS_KEY": "clinic-access", "NANIO_SECRET_KEY": "clinic-secret-of-some-length"}
    command = [program("nanio"), "serve", "--data-dir", str(folder / "objects"), "--port", str(port)]
    running = started(command, port, folder, **keys)
    yield S3Store(
        "clinic",
        endpoint=f"http://127.0.0.1:{port}",
        access_key_id=keys["NANIO_ACCESS_KEY"],
        secret_access_key=keys["NANIO_SECRET_KEY"],
        region="us-east-1",
        client_options={"allow_http": True},
    )
    running.terminate()
    running.wait()


@pytest.fixture(scope="module")
def azure(tmp_path_factory) -> Iterator[Store]:
    port, folder = free_port(), tmp_path_factory.mktemp("azurite")
    command = [program("azurite-blob"), "--location", str(folder), "--blobPort", str(port), "--silent"]
    running = started([*command, "--skipApiVersionCheck"], port, folder)
    store = AzureStore(
        "clinic",
        account_name="devstoreaccount1",
        account_key=AZURITE_KEY,
        endpoint=f"http://127.0.0.1:{port}/devstoreaccount1",
        client_options={"allow_http": True},
    )
    make_container(store)
    yield store
    running.terminate()
    running.wait()


def make_container(store: AzureStore) -> None:
    """With a shared key, by hand: the store library makes none."""
    endpoint = store.config["endpoint"]
    date = formatdate(usegmt=True)
    headers = {"x-ms-date": date, "x-ms-version": "2021-08-06"}
    parts = ["PUT", *[""] * 11, *[f"{name}:{value}" for name, value in headers.items()]]
    text = "\n".join([*parts, "/devstoreaccount1/devstoreaccount1/clinic", "restype:container"])
    signature = base64.b64encode(hmac.digest(base64.b64decode(AZURITE_KEY), text.encode(), hashlib.sha256)).decode()
    headers["Authorization"] = f"SharedKey devstoreaccount1:{signature}"
    httpx2.put(f"{endpoint}/clinic?restype=container", headers=headers).raise_for_status()


@pytest.fixture(params=["s3", "azure"])
def store(request) -> Store:
    return request.getfixturevalue(request.param)


def signed(store: Store, method: str, key: str, seconds: int = 60) -> str:
    return obstore.sign(store, method, key, timedelta(seconds=seconds))


def fetch(url: str) -> bytes:
    async def collect() -> bytes:
        async with guarded_client(UrlGuard.from_settings("127.0.0.0/8", "")) as client:
            return b"".join([piece async for piece in download(client, url)])

    return asyncio.run(collect())


def send(url: str, path: Path) -> None:
    async def put() -> None:
        async with guarded_client(UrlGuard.from_settings("127.0.0.0/8", "")) as client:
            await push(client, url, path, "model/stl")

    asyncio.run(put())


def tampered(url: str) -> str:
    return url.replace("/scan.dcm?", "/other.dcm?")


def test_a_scan_is_fetched(store) -> None:
    obstore.put(store, "scan.dcm", CONTENT)
    obstore.put(store, "other.dcm", b"of somebody else")
    url = signed(store, "GET", "scan.dcm")

    assert fetch(url) == CONTENT
    with pytest.raises(DownloadFailed, match="answered 403"):
        fetch(tampered(url))


def test_an_expired_url_is_refused_for_good(store) -> None:
    obstore.put(store, "scan.dcm", CONTENT)
    url = signed(store, "GET", "scan.dcm", 1)
    time.sleep(2.5)

    with pytest.raises(DownloadFailed, match="answered 403"):
        fetch(url)


def test_a_mesh_is_sent(store, tmp_path) -> None:
    path = tmp_path / "mesh.stl"
    path.write_bytes(CONTENT)
    url = signed(store, "PUT", "scan.dcm")

    send(url, path)

    assert bytes(obstore.get(store, "scan.dcm").bytes()) == CONTENT
    with pytest.raises(DeliveryFailed, match="answered 403"):
        send(tampered(url), path)
