import asyncio
import socket

import httpx2
import pytest
from tests.transfers.hostile import AS_WRITTEN, BY_NAME

from gnathos.errors import InvalidSetting, UrlRefused
from gnathos.transfers.guard import UrlGuard
from gnathos.transfers.network import GuardedNetwork, guarded_client

PUBLIC = "93.184.215.14"


async def resolver(host: str, port: int) -> list[str]:
    """Names of the tests; what else the system says."""
    if host in {"example.org", "both.test"}:
        return [PUBLIC, "10.0.0.1"] if host == "both.test" else [PUBLIC]
    if host == "rebound.test":
        return ["127.0.0.1"]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def fetch(guard: UrlGuard, url: str, **options) -> httpx2.Response:
    async def get() -> httpx2.Response:
        network = GuardedNetwork(guard, options.pop("resolver", resolver))
        async with guarded_client(guard, network) as client:
            return await client.get(url, **options)

    return asyncio.run(get())


@pytest.mark.parametrize("url", AS_WRITTEN)
def test_no_packet_goes_to_a_hostile_url(outbound, url: str) -> None:
    with pytest.raises((UrlRefused, httpx2.UnsupportedProtocol, httpx2.InvalidURL)):
        fetch(UrlGuard(), url)

    assert outbound == []


@pytest.mark.parametrize("url", BY_NAME)
def test_a_hostile_name_is_asked_for_and_not_connected_to(outbound, url: str) -> None:
    with pytest.raises(UrlRefused):
        fetch(UrlGuard(), url)

    assert {event for event, _ in outbound} <= {"socket.getaddrinfo"}


@pytest.mark.parametrize("url", AS_WRITTEN)
def test_what_is_hostile_as_written_is_refused_without_resolving(url: str) -> None:
    with pytest.raises(UrlRefused):
        UrlGuard().check(url)


def test_one_private_address_among_several_is_enough(outbound) -> None:
    with pytest.raises(UrlRefused):
        fetch(UrlGuard(), "http://both.test/")

    assert outbound == []


def test_an_answer_of_dns_that_changes(outbound, web_server) -> None:
    answers = [[PUBLIC], ["127.0.0.1"]]

    async def rebinding(host: str, port: int) -> list[str]:
        return answers.pop(0)

    class Nowhere(Exception):
        pass

    class Recorder:
        addresses: list[str]

        async def connect_tcp(self, host: str, *_: object) -> None:
            self.addresses.append(host)
            raise Nowhere

    recorder = Recorder()
    recorder.addresses = []

    async def get() -> None:
        async with guarded_client(UrlGuard(), GuardedNetwork(UrlGuard(), rebinding, recorder)) as client:
            with pytest.raises(Nowhere):
                await client.get(f"http://rebinding.test:{web_server.port}/")
            with pytest.raises(UrlRefused):
                await client.get(f"http://rebinding.test:{web_server.port}/")

    asyncio.run(get())

    assert recorder.addresses == [PUBLIC]  # what was checked is what was connected to, once a connection
    assert outbound == []
    assert web_server.requests == []


def test_networks_that_are_allowed(web_server) -> None:
    guard = UrlGuard.from_settings("127.0.0.0/8, fd00::/8", "")

    answer = fetch(guard, f"{web_server.url}/echo")

    assert answer.status_code == 200
    assert web_server.requests[0].headers["host"] == f"127.0.0.1:{web_server.port}"
    with pytest.raises(UrlRefused):
        fetch(guard, "http://10.0.0.1/")


def test_a_name_keeps_its_place_in_the_request(web_server) -> None:
    async def local(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    fetch(UrlGuard.from_settings("127.0.0.1/32", ""), f"http://store.test:{web_server.port}/echo", resolver=local)

    assert web_server.requests[0].headers["host"] == f"store.test:{web_server.port}"


def test_hosts_that_are_allowed() -> None:
    guard = UrlGuard.from_settings("", "store.example.org, *.blob.core.windows.net")

    guard.check("https://store.example.org/x")
    guard.check("https://STORE.example.org./x")
    guard.check("https://clinic.blob.core.windows.net/x?sig=1")
    for url in ("https://example.org/", "https://blob.core.windows.net/", "https://store.example.org.evil.test/"):
        with pytest.raises(UrlRefused, match="not among those"):
            guard.check(url)


def test_redirects_are_not_followed(web_server) -> None:
    guard = UrlGuard.from_settings("127.0.0.0/8", "")

    assert fetch(guard, f"{web_server.url}/redirect?to=http://169.254.169.254/").status_code == 302


def test_networks_that_are_none() -> None:
    with pytest.raises(InvalidSetting, match="GNATHOS_ALLOWED_NETWORKS"):
        UrlGuard.from_settings("10.0.0.0/99", "")
