"""A file from a client's URL, as a stream that goes on where it broke off."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2

from gnathos.errors import DownloadFailed

MOST_REDIRECTS = 5

PAUSES_S = (0.5, 2.0, 5.0)
"""Before going on after a break; after the last break without a byte in between, the transfer is given up for now."""

PASSING_STATUSES = {408, 425, 429}
"""These and all from 500 on may be gone at the next try."""

PIECE_BYTES = 256 * 1024


class DownloadBroke(Exception):
    """It did not work now, and may work later."""


@dataclass
class _Progress:
    received: int = 0
    validator: str = ""
    """What says that the file is still the same: a strong ETag, or the time of its last change."""


async def download(client: httpx2.AsyncClient, url: str) -> AsyncIterator[bytes]:
    """The file, piece by piece; after a break the rest is asked for, if it is still the same file.

    Args:
        client: a guarded one, that does not follow redirects.

    Raises:
        UrlRefused: the URL, or one that it redirects to, leads where it may not.
        DownloadFailed: the server refuses it for good.
        DownloadBroke: it may work later, from the start.
    """
    progress, breaks = _Progress(), 0
    while True:
        before = progress.received
        try:
            async with _opened(client, url, progress) as answer:
                async for piece in answer.aiter_raw(PIECE_BYTES):
                    progress.received += len(piece)
                    yield piece
            return
        except httpx2.TransportError as error:
            breaks = 0 if progress.received > before else breaks + 1
            if breaks >= len(PAUSES_S) or (progress.received and not progress.validator):
                raise DownloadBroke(f"The connection failed: {type(error).__name__}.") from error
        await asyncio.sleep(PAUSES_S[breaks])


@asynccontextmanager
async def _opened(client: httpx2.AsyncClient, url: str, progress: _Progress) -> AsyncIterator[httpx2.Response]:
    headers = {"Accept-Encoding": "identity", "User-Agent": "Gnathos"}
    if progress.received:
        headers |= {"Range": f"bytes={progress.received}-", "If-Range": progress.validator}
    place = httpx2.URL(url)
    for _ in range(MOST_REDIRECTS + 1):
        async with client.stream("GET", place, headers=headers) as answer:
            if not answer.has_redirect_location:
                _check(answer, progress)
                yield answer
                return
            place = _next_place(place, answer)
    raise DownloadFailed(f"The `downloadUrl` redirects more than {MOST_REDIRECTS} times.")


def _next_place(place: httpx2.URL, answer: httpx2.Response) -> httpx2.URL:
    """Where a redirect leads; the guard looks at it as at any URL."""
    try:
        return place.join(answer.headers["Location"])
    except httpx2.InvalidURL:
        raise DownloadFailed("The `downloadUrl` redirects to what is no URL.") from None


def _check(answer: httpx2.Response, progress: _Progress) -> None:
    status = answer.status_code
    if status in PASSING_STATUSES or status >= 500:
        raise DownloadBroke(f"The server of `downloadUrl` answered {status}.")
    if status == 200 and not progress.received:
        etag = answer.headers.get("ETag", "")
        progress.validator = etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified", "")
    elif status == 200:
        raise DownloadBroke("The server of `downloadUrl` has no ranges, or the file has changed meanwhile.")
    elif status == 206 and progress.received:
        if not answer.headers.get("Content-Range", "").startswith(f"bytes {progress.received}-"):
            raise DownloadBroke("The server of `downloadUrl` sent another range than the one asked for.")
    else:
        raise DownloadFailed(f"The server of `downloadUrl` answered {status}.")
