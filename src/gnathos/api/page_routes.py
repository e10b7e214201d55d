"""The page at `/`: files that were built from `viewer/`, and come with the package."""

import functools
import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from importlib.resources import files

from fastapi import APIRouter, Request, Response

from gnathos.errors import UnknownRoute

router = APIRouter(include_in_schema=False)

INDEX = "index.html"

SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",  # pictures of results are blobs; the viewer's typeface is in a data: URL
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""No script but the page's own files, no evaluation of text, no worker, nothing from or to another host."""

HEADERS = {"Content-Security-Policy": SECURITY_POLICY, "Cross-Origin-Opener-Policy": "same-origin"}

FOR_EVER = "public, max-age=31536000, immutable"
"""Assets have a hash of their content in their name."""

TOO_SMALL_TO_PACK = 1000


@dataclass(frozen=True)
class WebFile:
    """A file of the page."""

    content: bytes
    packed: bytes | None
    """With gzip, where that is smaller."""
    media_type: str
    etag: str


@router.get("/")
def index(request: Request) -> Response:
    """The page."""
    return _answer(request, INDEX, "no-cache")


@router.get("/assets/{name}")
def asset(request: Request, name: str) -> Response:
    """A script, a style or a picture of it.

    Raises:
        UnknownRoute: there is none of that name.
    """
    return _answer(request, f"assets/{name}", FOR_EVER)


def _answer(request: Request, name: str, cache_control: str) -> Response:
    found = page_file(name)
    headers = {**HEADERS, "Cache-Control": cache_control, "ETag": found.etag, "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == found.etag:
        return Response(status_code=304, headers=headers)
    if found.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=found.media_type)
    return Response(found.content, headers=headers, media_type=found.media_type)


@functools.cache
def page_file(name: str) -> WebFile:
    """A file of the built page, by its path in `gnathos/web`; kept in memory: there are few.

    Raises:
        UnknownRoute: there is none of that name.
    """
    if name not in _names():
        raise UnknownRoute
    content = files("gnathos.web").joinpath(name).read_bytes()
    packed = gzip.compress(content, 9, mtime=0) if len(content) > TOO_SMALL_TO_PACK else content
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return WebFile(content, packed if len(packed) < len(content) else None, media_type, etag)


@functools.cache
def _names() -> frozenset[str]:
    folder = files("gnathos.web")
    assets = folder.joinpath("assets")
    found = {f"assets/{each.name}" for each in assets.iterdir()} if assets.is_dir() else set()
    return frozenset(found | {INDEX})
