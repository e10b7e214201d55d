"""Connections that are decided on by the address they go to, in the moment they are made.

A name is resolved once, all of its addresses are checked, and the connection goes to one of those: an answer of DNS
that changes in between changes nothing. TLS and `Host` keep the name.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import httpcore2
import httpx2

from gnathos.errors import UrlRefused
from gnathos.transfers.guard import UrlGuard

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""Host and port to addresses."""

CONNECT_S = 10.0
SILENCE_S = 60.0
"""How long the other side may take to connect, and to go on."""


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system tells them.

    Raises:
        httpcore2.ConnectError: it has none.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError("The host's name cannot be resolved.") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class GuardedNetwork(httpcore2.AsyncNetworkBackend):
    """Opens connections to addresses that the guard lets pass, and no others."""

    def __init__(
        self, guard: UrlGuard, resolver: Resolver = resolve, network: httpcore2.AsyncNetworkBackend | None = None
    ) -> None:
        self._guard = guard
        self._resolver = resolver
        self._network = network or httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address that answers.

        Raises:
            UrlRefused: one of the host's addresses may not be connected to.
        """
        addresses = await self._resolver(host, port)
        for address in addresses:
            self._guard.check_address(ipaddress.ip_address(address.partition("%")[0]))
        failure: Exception = httpcore2.ConnectError("The host has no address.")
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore2.AsyncNetworkStream:
        """Never: no URL of a client's leads to one."""
        raise UrlRefused

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """HTTP over a guarded network; checks each URL as it is written, too."""

    def __init__(self, guard: UrlGuard, network: GuardedNetwork) -> None:
        super().__init__(trust_env=False)
        self._guard = guard
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False), network_backend=network
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it.

        Raises:
            UrlRefused: it leads where it may not.
        """
        self._guard.check(str(request.url))
        return await super().handle_async_request(request)


def guarded_client(guard: UrlGuard, network: GuardedNetwork | None = None) -> httpx2.AsyncClient:
    """A client for URLs that others name: no proxy, no redirects that were not looked at, no cookies of ours."""
    return httpx2.AsyncClient(
        transport=GuardedTransport(guard, network or GuardedNetwork(guard)),
        timeout=httpx2.Timeout(SILENCE_S, connect=CONNECT_S),
        follow_redirects=False,
        trust_env=False,
    )
