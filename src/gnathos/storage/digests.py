"""Digests that senders give with their bytes: `Content-Digest` and `Repr-Digest` (RFC 9530), `Content-MD5`."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gnathos.errors import DigestMismatch, RequestInvalid

ALGORITHMS = {"sha-256": "sha256", "sha-512": "sha512", "md5": "md5", "sha": "sha1"}
"""Names of RFC 9530 and of hashlib; the last two against accidents only. Others are left unread, as the RFC says."""

ENTRY = re.compile(r"([a-z0-9-]+)=:([A-Za-z0-9+/=]*):")


@dataclass(frozen=True)
class Digest:
    """What bytes must hash to."""

    algorithm: str
    """hashlib's name."""
    value: bytes


class Checks:
    """Digests that are compared once all bytes have passed."""

    def __init__(self, expected: Iterable[Digest]) -> None:
        self._expected = [(each, _hash(each.algorithm)) for each in expected]

    def update(self, chunk: bytes) -> None:
        """Some more bytes."""
        for _, seen in self._expected:
            seen.update(chunk)

    def verify(self) -> None:
        """Compare.

        Raises:
            DigestMismatch: one differs.
        """
        for expected, seen in self._expected:
            if not hmac.compare_digest(expected.value, seen.digest()):
                raise DigestMismatch(f"What came has another {expected.algorithm} than the sender said.")


def digests_in(headers: Mapping[str, str], *names: str) -> tuple[Digest, ...]:
    """The digests under these headers.

    Args:
        headers: names in any case.
        names: `Content-Digest`, `Repr-Digest`, `Content-MD5`.

    Raises:
        RequestInvalid: one cannot be read.
    """
    return tuple(digest for name in names if headers.get(name) for digest in _read(name, headers[name]))


def _read(name: str, text: str) -> Iterable[Digest]:
    if name == "Content-MD5":
        yield Digest("md5", _decode(name, text.strip()))
        return
    for entry in text.split(","):
        found = ENTRY.fullmatch(entry.strip())
        if found is None:
            raise RequestInvalid(f"The header {name} cannot be read.", remedy="Write it as `sha-256=:BASE64:`.")
        if found[1] in ALGORITHMS:
            yield Digest(ALGORITHMS[found[1]], _decode(name, found[2]))


def _decode(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise RequestInvalid(f"The header {name} holds no base64.") from None


def _hash(algorithm: str) -> Any:
    return hashlib.new(algorithm, usedforsecurity=False)
