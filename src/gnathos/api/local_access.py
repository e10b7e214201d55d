"""Who sits at the machine itself: what lets them in without credentials, and what keeps everybody else out.

A web page that the same browser has open must not get in through it (it may send requests here, and with DNS rebinding
even under a name of its own), nor another user of the machine, nor what a proxy on the machine passes on. So: the
connection is from this machine, and owned by the user that runs the engine; Host is the address of this machine;
nothing says that the request was passed on; Origin is the engine itself; and a code is asked for first, which only a
page of the same origin can read, and which works once.
"""

import ipaddress
import os
import secrets
import time
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import Request

CODE_BYTES = 32
CODE_S = 60.0
"""How long a code can be used."""

MOST_CODES = 64
"""Open at a time; the oldest are dropped."""

LOOPBACK_NAMES = {"localhost", "127.0.0.1", "::1"}

PASSED_ON = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""Headers of proxies."""

_SOCKETS = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LOCAL, _REMOTE, _USER = 1, 2, 7
"""Columns of those tables (proc(5))."""


class OneTimeCodes:
    """Codes that work once, and not for long; used by the API's event loop only."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def issue(self) -> str:
        """A new one."""
        now = time.monotonic()
        self._until = {code: until for code, until in self._until.items() if until > now}
        while len(self._until) >= MOST_CODES:
            self._until.pop(next(iter(self._until)))
        code = secrets.token_urlsafe(CODE_BYTES)
        self._until[code] = now + CODE_S
        return code

    def redeem(self, code: str) -> bool:
        """Whether it is one, for the first time and in time."""
        return self._until.pop(code, 0.0) > time.monotonic()


def is_from_this_machine(request: Request) -> bool:
    """Whether the request comes straight from a program of the engine's own user on this machine, by its address."""
    if any(name in request.headers for name in PASSED_ON) or not _is_loopback_host(request.headers.get("host", "")):
        return False
    peer = request.client
    return peer is not None and _is_loopback(peer.host) and _is_own_user(peer.port, request)


def is_from_own_page(request: Request) -> bool:
    """Whether a page of this very origin sent the request: browsers always say so on a POST."""
    host = request.headers.get("host", "")
    return request.headers.get("origin", "") == f"{request.url.scheme}://{host}"


def _is_loopback_host(host: str) -> bool:
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK_NAMES
    except ValueError:
        return False


def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def _is_own_user(peer_port: int, request: Request) -> bool:
    """Whether the peer's end of the connection belongs to the user that runs this process."""
    server = request.scope.get("server")
    if not server:
        return False
    ends = (f":{peer_port:04X}", f":{server[1]:04X}")
    owners = {
        int(columns[_USER])
        for table in _SOCKETS
        for columns in _rows(table)
        if columns[_LOCAL].endswith(ends[0]) and columns[_REMOTE].endswith(ends[1])
    }
    return owners == {os.getuid()}


def _rows(table: Path) -> list[list[str]]:
    try:
        return [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
