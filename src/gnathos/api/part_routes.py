"""Uploads in parts, to be gone on with after a break: HEAD says how much has come, PATCH sends more."""

import uuid
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from gnathos.api.problems import problem_response
from gnathos.api.responses import problems
from gnathos.api.services import Engine, Services
from gnathos.api.transfer_routes import (
    SIGNATURE,
    SIGNED,
    UPLOAD_BODY,
    check_input_open,
    part_headers,
    received,
    record_stored,
)
from gnathos.api.versions import InputKey, Version
from gnathos.errors import (
    DigestMismatch,
    GnathosError,
    UploadClosed,
    UploadIncomplete,
    UploadOffsetDiffers,
    UploadTooLarge,
)
from gnathos.jobs.parts import drop_parts, offset_of, parts_of, record_part
from gnathos.jobs.uploads import Upload
from gnathos.storage import StoredObject
from gnathos.storage.digests import Checks, digests_in
from gnathos.storage.signing import UPLOAD_METHODS

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


class Place:
    """An input that is sent in parts."""

    def __init__(self, engine: Services, tenant_id: uuid.UUID, job_id: uuid.UUID, key: str) -> None:
        self._engine, self._input = engine, (tenant_id, job_id, key)
        self.job_id, self.key = job_id, key
        self._prefix = f"{tenant_id}/{job_id}/inputs/{key}-"

    def offset(self) -> int:
        """How much has come, in an input that takes files."""
        tenant_id, job_id, key = self._input
        check_input_open(self._engine, *self._input)
        with self._engine.database.transaction() as session:
            return offset_of(tenant_id, session, job_id, key)

    async def append(self, sections: "Sections", offset: int, limit_bytes: int) -> int:
        """Keep what comes, section by section; where the file then ends."""
        while not sections.ended:
            object_key = f"{self._prefix}part-{uuid.uuid4().hex}"
            stored = await self._engine.store.write(object_key, sections.next_section(), limit_bytes - offset)
            await run_in_threadpool(self._record_part, offset, stored)
            offset += stored.size_bytes
        return offset

    async def join(self, limit_bytes: int, request: Request) -> StoredObject:
        """Make one file of the parts, and it the input's."""
        tenant_id, job_id, key = self._input
        with self._engine.database.transaction() as session:
            parts = [(each.object_key, each.size_bytes) for each in parts_of(tenant_id, session, job_id, key)]
        expected = digests_in(request.headers, "Repr-Digest")
        object_key = f"{self._prefix}{uuid.uuid4().hex}"
        stored = await self._engine.store.write(object_key, self._read(parts), limit_bytes, expected)
        await run_in_threadpool(record_stored, self._engine, *self._input, stored)
        return stored

    def drop(self, start: int) -> None:
        """Forget what has come from a place on."""
        tenant_id, job_id, key = self._input
        with self._engine.database.transaction() as session:
            dropped = drop_parts(tenant_id, session, job_id, key, start)
        for object_key in dropped:
            self._engine.store.delete(object_key)

    def _record_part(self, offset: int, stored: StoredObject) -> None:
        tenant_id, job_id, key = self._input
        try:
            if stored.size_bytes:
                with self._engine.database.transaction() as session:
                    part = Upload(stored.key, stored.size_bytes, stored.sha256)
                    record_part(tenant_id, session, job_id, key, offset, part)
                return
        except GnathosError:
            self._engine.store.delete(stored.key)
            raise
        self._engine.store.delete(stored.key)

    async def _read(self, parts: list[tuple[str, int]]) -> AsyncIterator[bytes]:
        for object_key, size_bytes in parts:
            async for chunk in self._engine.store.read(object_key, 0, size_bytes):
                yield chunk


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
    "/{version}/uploads/{tenant_id}/{job_id}/{key}",
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
    version: Version,  # noqa: ARG001 - checked by its type
    tenant_id: uuid.UUID,
    job_id: uuid.UUID,
    key: InputKey,
    engine: Engine,
    offset: Offset,
    is_complete: IsComplete = None,
    length: Length = None,
) -> Response:
    """Go on with an upload from where it is; HEAD tells where. The file is there once its last part has come.

    What has come of a body that breaks off is kept.
    """
    signed = engine.signer.check(UPLOAD_METHODS, request.url.path, request.query_params)
    place = Place(engine, tenant_id, job_id, key)
    with engine.uploads.counted(job_id, key):
        try:
            end = await _append(place, request, offset, signed.limit_bytes)
            is_whole = is_complete == COMPLETE or end == length
            if is_whole:
                await place.join(signed.limit_bytes, request)
        except (UploadOffsetDiffers, DigestMismatch) as error:
            # Bytes that are not those that were sent are not built upon.
            if isinstance(error, DigestMismatch):
                await run_in_threadpool(place.drop, 0 if "Repr-Digest" in request.headers else offset)
            come = await run_in_threadpool(place.offset)
            return problem_response(request, error, {"Upload-Offset": str(come)})
    return Response(status_code=204, headers=part_headers(end, is_whole))


async def _append(place: Place, request: Request, offset: int, limit_bytes: int) -> int:
    come = await run_in_threadpool(place.offset)
    if offset != come:
        raise UploadOffsetDiffers(f"{come} bytes have come so far, so the next is not number {offset}.")
    checks = Checks(digests_in(request.headers, "Content-Digest", "Content-MD5"))
    sections = Sections(received(request), checks)
    end = await place.append(sections, offset, limit_bytes)
    if sections.broke:
        raise UploadIncomplete
    checks.verify()
    return end
