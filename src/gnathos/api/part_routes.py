"""Uploads in parts, to be gone on with after a break: HEAD says how much has come, PATCH sends more."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from gnathos.api.problems import problem_response
from gnathos.api.responses import problems
from gnathos.api.upload_place import (
    SIGNATURE,
    SIGNED,
    UPLOAD_BODY,
    UPLOAD_PATH,
    Place,
    SignedPlace,
    part_headers,
    received,
)
from gnathos.errors import (
    DigestMismatch,
    GnathosError,
    UploadClosed,
    UploadIncomplete,
    UploadOffsetDiffers,
    UploadTooLarge,
)
from gnathos.jobs.parts import drop_parts, parts_of, record_part
from gnathos.jobs.uploads import Upload
from gnathos.storage import StoredObject
from gnathos.storage.digests import Checks, digests_in

router = APIRouter(tags=["Files"])

SECTION_BYTES = 64 * 1024 * 1024
"""What one request has sent is kept in sections of this size: a process that is killed loses less than one."""

COMPLETE = "?1"
"""True, as structured fields write it (RFC 9651)."""

Offset = Annotated[
    int, Header(alias="Upload-Offset", ge=0, description="Place of the body's first byte in the file.", examples=[0])
]
IsComplete = Annotated[
    str | None,
    Header(alias="Upload-Complete", pattern=r"^\?[01]$", description="`?1`: the file ends with this body."),
]
Length = Annotated[
    int | None, Header(alias="Upload-Length", ge=0, description="Of the whole file; it ends where it has come so far.")
]


class Sections:
    """The body of a request, in sections; one that breaks off ends there."""

    def __init__(self, chunks: AsyncIterator[bytes], checks: Checks) -> None:
        self._chunks, self._checks = chunks, checks
        self._rest = b""
        self.ended = False
        self.broke = False

    async def next_section(self) -> AsyncIterator[bytes]:
        """The next bytes, `SECTION_BYTES` at most."""
        missing = SECTION_BYTES
        while missing and not self.ended:
            chunk = self._rest or await self._read()
            head, self._rest = chunk[:missing], chunk[missing:]
            missing -= len(head)
            yield head

    async def _read(self) -> bytes:
        try:
            chunk = await anext(self._chunks)
        except StopAsyncIteration:
            self.ended = True
            return b""
        except (ClientDisconnect, UploadIncomplete):
            self.ended = self.broke = True
            return b""
        self._checks.update(chunk)
        return chunk


@router.patch(
    UPLOAD_PATH,
    summary="Upload a part of an input",
    response_class=Response,
    status_code=204,
    responses={
        204: {"description": "`Upload-Offset` is how much has come, `Upload-Complete` whether it is all"},
        **problems(*SIGNED, UploadTooLarge, UploadIncomplete, UploadClosed, UploadOffsetDiffers, DigestMismatch),
    },
    openapi_extra={**SIGNATURE, **UPLOAD_BODY},
)
async def append(
    request: Request,
    place: SignedPlace,
    offset: Offset,
    is_complete: IsComplete = None,
    length: Length = None,
) -> Response:
    """Go on with an upload from where it is; HEAD tells where. The file is there once its last part has come.

    What has come of a body that breaks off is kept.
    """
    with place.counted():
        try:
            end = await _append(place, request, offset)
            is_whole = is_complete == COMPLETE or end == length
            if is_whole:
                await _join(place, request)
        except (UploadOffsetDiffers, DigestMismatch) as error:
            # Bytes that are not those that were sent are not built upon.
            if isinstance(error, DigestMismatch):
                await run_in_threadpool(_drop, place, 0 if "Repr-Digest" in request.headers else offset)
            come = await run_in_threadpool(place.offset)
            return problem_response(request, error, {"Upload-Offset": str(come)})
    return Response(status_code=204, headers=part_headers(end, is_whole))


async def _append(place: Place, request: Request, offset: int) -> int:
    """Keep what comes, section by section; where the file then ends."""
    come = await run_in_threadpool(place.offset)
    if offset != come:
        raise UploadOffsetDiffers(f"{come} bytes have come so far, so the next is not number {offset}.")
    checks = Checks(digests_in(request.headers, "Content-Digest", "Content-MD5"))
    sections = Sections(received(request), checks)
    end = offset
    while not sections.ended:
        left = place.limit_bytes - end
        stored = await place.engine.store.write(place.new_object_key("part-"), sections.next_section(), left)
        await run_in_threadpool(_record_part, place, end, stored)
        end += stored.size_bytes
    if sections.broke:
        raise UploadIncomplete
    checks.verify()
    return end


def _record_part(place: Place, offset: int, stored: StoredObject) -> None:
    try:
        if stored.size_bytes:
            with place.engine.database.transaction() as session:
                part = Upload(stored.key, stored.size_bytes, stored.sha256)
                record_part(place.tenant_id, session, *place.input, offset, part)
            return
    except GnathosError:
        place.engine.store.delete(stored.key)
        raise
    place.engine.store.delete(stored.key)


async def _join(place: Place, request: Request) -> None:
    """Make one file of the parts, and it the input's."""
    with place.engine.database.transaction() as session:
        parts = [(each.object_key, each.size_bytes) for each in parts_of(place.tenant_id, session, *place.input)]
    expected = digests_in(request.headers, "Repr-Digest")
    whole = _read(place, parts)
    stored = await place.engine.store.write(place.new_object_key(), whole, place.limit_bytes, expected)
    await run_in_threadpool(place.record, stored)


async def _read(place: Place, parts: list[tuple[str, int]]) -> AsyncIterator[bytes]:
    for object_key, size_bytes in parts:
        async for chunk in place.engine.store.read(object_key, 0, size_bytes):
            yield chunk


def _drop(place: Place, start: int) -> None:
    """Forget what has come from a place on."""
    with place.engine.database.transaction() as session:
        dropped = drop_parts(place.tenant_id, session, *place.input, start)
    for object_key in dropped:
        place.engine.store.delete(object_key)
