"""A file to a client's URL: one PUT, verified by its status, tried again where that can help."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2

from gnathos.errors import DeliveryFailed

PAUSES_S = (1.0, 5.0, 20.0)
"""Between the tries."""

PASSING_STATUSES = {408, 425, 429}
PIECE_BYTES = 256 * 1024
AZURE_HOST = ".blob.core."
"""In the names of Azure's blob stores, of every cloud: account.blob.core.windows.net."""


async def push(client: httpx2.AsyncClient, url: str, path: Path, media_type: str) -> None:
    """Send a file.

    Args:
        client: a guarded one.

    Raises:
        UrlRefused: the URL leads where it may not.
        DeliveryFailed: it was not taken, also after trying again.
    """
    detail = ""
    for pause_s in (*PAUSES_S, None):
        try:
            answer = await client.put(url, content=_pieces(path), headers=_headers(url, path, media_type))
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            detail = f"The connection to `uploadUrl` failed: {type(error).__name__}."
        else:
            if answer.is_success:
                return
            detail = f"The server of `uploadUrl` answered {answer.status_code}."
            if answer.status_code < 500 and answer.status_code not in PASSING_STATUSES:
                break
        if pause_s is not None:
            await asyncio.sleep(pause_s)
    raise DeliveryFailed(detail)


def _headers(url: str, path: Path, media_type: str) -> dict[str, str]:
    # Stores that presign want the length beforehand.
    headers = {"Content-Length": str(path.stat().st_size), "Content-Type": media_type, "User-Agent": "Gnathos"}
    return headers | ({"x-ms-blob-type": "BlockBlob"} if is_azure(url) else {})


def is_azure(url: str) -> bool:
    """Whether it is a URL of Azure Blob Storage, or of what speaks as it does: they demand a header of their own."""
    parsed = httpx2.URL(url)
    return AZURE_HOST in parsed.host or {"sv", "sig"} <= set(parsed.params.keys())


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece
