"""Signed URLs: whoever has one may do what it says, until it expires."""

import base64
import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from gnathos.errors import UrlExpired, UrlTampered

UPLOAD_METHODS = ("HEAD", "PATCH", "PUT")
DOWNLOAD_METHODS = ("GET", "HEAD")


@dataclass(frozen=True)
class Signed:
    """What a URL allows."""

    methods: tuple[str, ...]
    path: str
    """From the first slash, decoded."""
    expires_at: int
    """Seconds since 1970."""
    limit_bytes: int = 0
    """How much may be uploaded; 0 where nothing may."""


class UrlSigner:
    """Signs with the first key; accepts the signatures of all."""

    def __init__(self, keys: Iterable[bytes]) -> None:
        self._keys = tuple(keys)

    def query(self, signed: Signed) -> str:
        """The query to append to the path."""
        return urlencode(
            {
                "expires": signed.expires_at,
                "limit": signed.limit_bytes,
                "signature": _signature(self._keys[0], signed),
            }
        )

    def check(self, methods: tuple[str, ...], path: str, query: Mapping[str, str]) -> Signed:
        """What the URL allows.

        Raises:
            UrlTampered: the query is not one that was signed for these methods and this path.
            UrlExpired: it was, but its time is over.
        """
        signature = query.get("signature", "")
        try:
            signed = Signed(methods, path, int(query.get("expires", "")), int(query.get("limit", "")))
        except ValueError:
            raise UrlTampered("The URL lacks a part of its signature.") from None
        # Every key is tried, so that the time taken does not tell which one fits.
        matches = [hmac.compare_digest(_signature(key, signed).encode(), signature.encode()) for key in self._keys]
        if not any(matches):
            raise UrlTampered
        if signed.expires_at < time.time():
            raise UrlExpired
        return signed


def _signature(key: bytes, signed: Signed) -> str:
    text = "\n".join([",".join(signed.methods), signed.path, str(signed.expires_at), str(signed.limit_bytes)])
    return base64.urlsafe_b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).decode().rstrip("=")
