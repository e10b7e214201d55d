import asyncio
from pathlib import Path

import pytest

from gnathos.errors import DeliveryFailed, UrlRefused
from gnathos.transfers import push as push_module
from gnathos.transfers.guard import UrlGuard
from gnathos.transfers.network import guarded_client
from gnathos.transfers.push import is_azure, push


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch) -> None:
    monkeypatch.setattr(push_module, "PAUSES_S", (0.01, 0.01, 0.01))


@pytest.fixture
def mesh(tmp_path) -> Path:
    path = tmp_path / "mesh.stl"
    path.write_bytes(b"solid" * 100_000)
    return path


def put(url: str, path: Path, networks: str = "127.0.0.0/8") -> None:
    async def send() -> None:
        async with guarded_client(UrlGuard.from_settings(networks, "")) as client:
            await push(client, url, path, "model/stl")

    asyncio.run(send())


def test_a_file_is_put_whole_and_with_its_length(web_server, mesh) -> None:
    put(f"{web_server.url}/bucket/mesh.stl?X-Amz-Signature=1", mesh)

    (seen,) = web_server.requests
    assert (seen.method, seen.path, seen.body) == ("PUT", "/bucket/mesh.stl?X-Amz-Signature=1", mesh.read_bytes())
    assert (seen.headers["content-length"], seen.headers["content-type"]) == ("500000", "model/stl")
    assert "transfer-encoding" not in seen.headers
    assert "x-ms-blob-type" not in seen.headers


def test_azure_is_told_the_kind_of_blob(web_server, mesh) -> None:
    put(f"{web_server.url}/devstoreaccount1/c/mesh.stl?sv=2024-11-04&sr=b&sig=x", mesh)

    assert web_server.requests[0].headers["x-ms-blob-type"] == "BlockBlob"
    assert is_azure("https://clinic.blob.core.windows.net/c/mesh.stl")
    assert not is_azure("https://bucket.s3.amazonaws.com/mesh.stl?X-Amz-Signature=1")


def test_what_may_pass_is_tried_again(web_server, mesh) -> None:
    web_server.statuses = [503, 429]

    put(f"{web_server.url}/mesh.stl", mesh)

    assert [seen.body for seen in web_server.requests] == [mesh.read_bytes()] * 3


@pytest.mark.parametrize(("statuses", "tries"), [([403], 1), ([302], 1), ([500] * 9, 4)])
def test_what_is_refused_is_said(web_server, mesh, statuses: list[int], tries: int) -> None:
    web_server.statuses = list(statuses)

    with pytest.raises(DeliveryFailed, match=f"answered {statuses[0]}"):
        put(f"{web_server.url}/mesh.stl", mesh)

    assert len(web_server.requests) == tries


def test_a_private_address(web_server, mesh) -> None:
    with pytest.raises(UrlRefused):
        put(f"{web_server.url}/mesh.stl", mesh, networks="")

    assert web_server.requests == []
