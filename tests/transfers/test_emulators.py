"""Presigned URLs of clouds that check signatures, to fetch from and to send to."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from tests.transfers.emulators import Cloud, running_azure, running_s3

from gnathos.errors import DeliveryFailed, DownloadFailed
from gnathos.transfers.fetch import download
from gnathos.transfers.guard import UrlGuard
from gnathos.transfers.network import guarded_client
from gnathos.transfers.push import push

CONTENT = os.urandom(2_000_000)


@pytest.fixture(scope="module", params=[running_s3, running_azure], ids=["s3", "azure"])
def cloud(request, tmp_path_factory) -> Iterator[Cloud]:
    with request.param(tmp_path_factory.mktemp("cloud")) as started:
        yield started


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


@pytest.fixture
def mesh(tmp_path) -> Path:
    path = tmp_path / "mesh.stl"
    path.write_bytes(CONTENT)
    return path


def test_a_scan_is_fetched(cloud) -> None:
    obstore.put(cloud.store, "scan.dcm", CONTENT)
    obstore.put(cloud.store, "other.dcm", b"of somebody else")
    url = cloud.signed("GET", "scan.dcm")

    assert fetch(url) == CONTENT
    with pytest.raises(DownloadFailed, match="answered 403"):
        fetch(tampered(url))


def test_a_mesh_is_sent(cloud, mesh) -> None:
    url = cloud.signed("PUT", "mesh.stl")

    send(url, mesh)

    assert bytes(obstore.get(cloud.store, "mesh.stl").bytes()) == CONTENT
    with pytest.raises(DeliveryFailed, match="answered 403"):
        send(url.replace("/mesh.stl?", "/other.stl?"), mesh)


def test_expired_urls_are_refused_for_good(cloud, mesh) -> None:
    obstore.put(cloud.store, "scan.dcm", CONTENT)
    to_fetch, to_send = cloud.signed("GET", "scan.dcm", 1), cloud.signed("PUT", "late.stl", 1)
    time.sleep(2.5)

    with pytest.raises(DownloadFailed, match="answered 403"):
        fetch(to_fetch)
    with pytest.raises(DeliveryFailed, match="answered 403"):
        send(to_send, mesh)
