import asyncio
import os
import socket

import pytest
from tests.web_server import running_web_server

from gnathos.errors import DownloadFailed, UrlRefused
from gnathos.transfers import fetch
from gnathos.transfers.fetch import DownloadBroke, download
from gnathos.transfers.guard import UrlGuard
from gnathos.transfers.network import guarded_client

CONTENT = os.urandom(3_000_000)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch) -> None:
    monkeypatch.setattr(fetch, "PAUSES_S", (0.01, 0.01, 0.01))


def get(url: str, networks: str = "127.0.0.0/8") -> bytes:
    async def collect() -> bytes:
        async with guarded_client(UrlGuard.from_settings(networks, "")) as client:
            return b"".join([piece async for piece in download(client, url)])

    return asyncio.run(collect())


def test_a_file(web_server) -> None:
    web_server.files["/scan.dcm"] = CONTENT

    assert get(f"{web_server.url}/scan.dcm?signature=1") == CONTENT
    assert web_server.requests[0].headers["accept-encoding"] == "identity"


def test_a_transfer_that_breaks_goes_on(web_server) -> None:
    web_server.files["/scan.dcm"] = CONTENT
    web_server.drop_after = [1_000_000, 500_000, 700_000]

    assert get(f"{web_server.url}/scan.dcm") == CONTENT

    ranges = [seen.headers.get("range") for seen in web_server.requests]
    assert ranges[0] is None
    assert len(ranges) == 4
    assert all(given.startswith("bytes=") and given.endswith("-") for given in ranges[1:])
    assert len({seen.headers["if-range"] for seen in web_server.requests[1:]}) == 1


def test_another_file_under_the_same_url_is_not_appended(web_server) -> None:
    web_server.files["/scan.dcm"] = CONTENT
    web_server.drop_after = [1_000_000]

    async def changed() -> None:
        async with guarded_client(UrlGuard.from_settings("127.0.0.0/8", "")) as client:
            async for _ in download(client, f"{web_server.url}/scan.dcm"):
                web_server.files["/scan.dcm"] = b"another" * 500_000

    with pytest.raises(DownloadBroke, match="has changed"):
        asyncio.run(changed())


def test_a_server_without_ranges(web_server) -> None:
    web_server.files["/scan.dcm"] = CONTENT
    web_server.has_ranges = False
    web_server.drop_after = [1_000_000]

    with pytest.raises(DownloadBroke, match="no ranges"):
        get(f"{web_server.url}/scan.dcm")


def test_a_server_that_never_gets_further(web_server) -> None:
    web_server.files["/scan.dcm"] = CONTENT
    web_server.drop_after = [1_000_000] + [0] * 10

    with pytest.raises(DownloadBroke, match="connection failed"):
        get(f"{web_server.url}/scan.dcm")

    assert len(web_server.requests) == 4


@pytest.mark.parametrize(("status", "kind"), [(403, DownloadFailed), (404, DownloadFailed), (503, DownloadBroke)])
def test_answers_that_are_no_file(web_server, status: int, kind: type[Exception]) -> None:
    web_server.statuses = [status]

    with pytest.raises(kind, match=f"answered {status}"):
        get(f"{web_server.url}/scan.dcm")


def test_redirects(web_server) -> None:
    web_server.files["/scan.dcm"] = CONTENT

    assert get(f"{web_server.url}/redirect?to=/scan.dcm") == CONTENT
    with pytest.raises(DownloadFailed, match="redirects more than 5 times"):
        get(f"{web_server.url}/loop")


def test_an_answer_of_dns_that_changes_before_the_transfer_goes_on(outbound, monkeypatch) -> None:
    """The name leads to a server that may be fetched from, until that breaks off; then to one that may not."""
    addresses = ["127.0.0.2", "127.0.0.1"]

    def changing(host: str, port: int, *_: object, **__: object) -> list[object]:
        assert host == "changing.test"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (addresses.pop(0), port))]

    with running_web_server("127.0.0.2") as server:
        server.files["/scan.dcm"] = CONTENT
        server.drop_after = [1_000_000]
        monkeypatch.setattr(socket, "getaddrinfo", changing)

        with pytest.raises(UrlRefused):
            get(f"http://changing.test:{server.port}/scan.dcm", "127.0.0.2/32")

    assert addresses == []
    assert [what for _, what in outbound] == [("127.0.0.2", server.port)]
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest", "http://10.0.0.1/", "file:///etc/passwd", "http://[::1]:5432/"]
)
def test_a_redirect_to_where_nobody_may(web_server, outbound, target: str) -> None:
    with pytest.raises(UrlRefused):
        get(f"{web_server.url}/redirect?to={target}")

    assert {what[1] for event, what in outbound if event == "socket.connect"} == {web_server.port}
