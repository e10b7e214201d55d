"""Which URLs of clients the engine may connect to.

Whoever names a URL decides where our packets go, and we stand inside the operator's network. So a URL is checked
twice: as it is written, when it is given, and by the address it leads to, when it is used (`network.py`).
"""

import ipaddress
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2

from gnathos.errors import InvalidSetting, UrlRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SCHEMES = ("http", "https")
LONGEST_URL = 8000

EMBEDDING_NETWORKS = (
    ipaddress.IPv6Network("64:ff9b::/96"),  # NAT64, RFC 6052
    ipaddress.IPv6Network("::/96"),  # IPv4-compatible, RFC 4291
)
"""IPv6 networks whose last 32 bits are an IPv4 address that packets may end up at."""


@dataclass(frozen=True)
class UrlGuard:
    """What an installation allows."""

    networks: tuple[Network, ...] = ()
    """Private ones that may be reached all the same."""
    hosts: tuple[str, ...] = ()
    """The only names that may be used; `*.example.org` for all below. None: any."""

    @classmethod
    def from_settings(cls, networks: str, hosts: str) -> "UrlGuard":
        """Read `allowed_networks` and `allowed_hosts`.

        Raises:
            InvalidSetting: a network is not one.
        """
        try:
            found = tuple(ipaddress.ip_network(part) for part in _parts(networks))
        except ValueError as error:
            raise InvalidSetting(f"GNATHOS_ALLOWED_NETWORKS: {error}.") from None
        return cls(found, tuple(part.lower() for part in _parts(hosts)))

    def check(self, text: str) -> httpx2.URL:
        """Check a URL as it is written; nothing is resolved, nothing is connected to.

        Raises:
            UrlRefused: it cannot be used; says why.
        """
        url = _parse(text)
        if url.scheme not in SCHEMES:
            raise UrlRefused("The URL is neither http nor https.")
        if not url.host:
            raise UrlRefused("The URL names no host.")
        if url.userinfo:
            raise UrlRefused("The URL holds a user name or a password.")
        self._check_host(url.host)
        literal = _literal_address(url.host)
        if literal is not None:
            self.check_address(literal)
        return url

    def check_address(self, address: Address) -> None:
        """Check an address before it is connected to.

        Raises:
            UrlRefused: it is not public, and its network is not among those allowed.
        """
        if any(address in network for network in self.networks):
            return
        if not all(_is_public(each) for each in (address, *_embedded(address))):
            raise UrlRefused("The URL leads to an address that is not public.")

    def _check_host(self, host: str) -> None:
        name = host.lower().rstrip(".")
        if self.hosts and not any(_matches(name, pattern) for pattern in self.hosts):
            raise UrlRefused("The URL's host is not among those that this installation allows.")


def _parse(text: str) -> httpx2.URL:
    # A backslash, a space or a control character is read differently by different programs.
    if len(text) > LONGEST_URL or "\\" in text or any(ord(character) <= ord(" ") for character in text):
        raise UrlRefused("The URL is too long, or holds characters that no URL may hold.")
    try:
        return httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError, UnicodeError):
        raise UrlRefused("The URL cannot be read.") from None


def _literal_address(host: str) -> Address | None:
    """The address that the host is, however it is written: 127.1, 0x7f000001, 2130706433, 0177.0.0.1."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
    except (OSError, UnicodeError):
        return None


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: Address) -> Iterator[Address]:
    """The IPv4 addresses that an IPv6 address stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    teredo = address.teredo or ()
    for found in (address.ipv4_mapped, address.sixtofour, *teredo):
        if found is not None:
            yield found
    if any(address in network for network in EMBEDDING_NETWORKS):
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def _matches(name: str, pattern: str) -> bool:
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern


def _parts(setting: str) -> list[str]:
    return [part.strip() for part in setting.split(",") if part.strip()]
