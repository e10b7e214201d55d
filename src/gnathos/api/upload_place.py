"""What a signed upload URL leads to: an input that a file is sent for, whole or in parts."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from gnathos.api.services import Engine, Services
from gnathos.api.versions import InputKey, Version
from gnathos.errors import (
    GnathosError,
    RequestInvalid,
    StoreUnavailable,
    UnknownFile,
    UnknownVersion,
    UploadIncomplete,
    UrlExpired,
    UrlTampered,
)
from gnathos.jobs.parts import drop_parts, offset_of
from gnathos.jobs.uploads import Upload, check_open, find_input, record_upload
from gnathos.storage import StoredObject
from gnathos.storage.signing import UPLOAD_METHODS

SILENCE_S = 60.0
"""How long a sender may be silent before its upload counts as broken off."""

UPLOAD_PATH = "/{version}/uploads/{tenant_id}/{job_id}/{key}"
SIGNATURE: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "query", "required": True, "schema": {"type": kind}, "description": "Part of the URL."}
        for name, kind in (("expires", "integer"), ("limit", "integer"), ("signature", "string"))
    ]
}
BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
UPLOAD_BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": BINARY}}}
SIGNED = (RequestInvalid, UrlExpired, UrlTampered, UnknownVersion, UnknownFile, StoreUnavailable)


@dataclass(frozen=True)
class Place:
    """An input, and how much may be sent for it."""

    engine: Services
    tenant_id: uuid.UUID
    job_id: uuid.UUID
    key: str
    limit_bytes: int

    @property
    def input(self) -> tuple[uuid.UUID, str]:
        """Job and key."""
        return self.job_id, self.key

    def new_object_key(self, prefix: str = "") -> str:
        """Where in the store something of it may go."""
        return f"{self.tenant_id}/{self.job_id}/inputs/{self.key}-{prefix}{uuid.uuid4().hex}"

    def counted(self) -> AbstractContextManager[None]:
        """Note that an upload is under way, for as long as it lasts."""
        return self.engine.uploads.counted(*self.input)

    def check_open(self) -> None:
        """Refuse what cannot be uploaded to; see `gnathos.jobs.uploads.check_open`."""
        with self.engine.database.transaction() as session:
            check_open(find_input(self.tenant_id, session, *self.input))

    def offset(self) -> int:
        """How much has come in parts, in an input that takes files."""
        with self.engine.database.transaction() as session:
            check_open(find_input(self.tenant_id, session, *self.input))
            return offset_of(self.tenant_id, session, *self.input)

    def record(self, stored: StoredObject) -> None:
        """Make an object the input's file, and delete what is then no longer one."""
        try:
            with self.engine.database.transaction() as session:
                new = Upload(stored.key, stored.size_bytes, stored.sha256)
                replaced = record_upload(self.tenant_id, session, *self.input, new)
                left = [*drop_parts(self.tenant_id, session, *self.input), *([replaced] if replaced else [])]
        except GnathosError:
            self.engine.store.delete(stored.key)
            raise
        for object_key in left:
            self.engine.store.delete(object_key)


async def _signed_place(
    request: Request,
    version: Version,  # noqa: ARG001 - checked by its type
    tenant_id: uuid.UUID,
    job_id: uuid.UUID,
    key: InputKey,
    engine: Engine,
) -> Place:
    """Async, to be spared a thread."""
    signed = engine.signer.check(UPLOAD_METHODS, request.url.path, request.query_params)
    return Place(engine, tenant_id, job_id, key, signed.limit_bytes)


SignedPlace = Annotated[Place, Depends(_signed_place)]
"""Of a request, once its signature is found good."""


async def received(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes.

    Raises:
        UploadIncomplete: nothing has come for too long.
    """
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(SILENCE_S):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise UploadIncomplete(f"Nothing more has come for {SILENCE_S:g} s.") from None
        yield chunk


def part_headers(offset: int, is_whole: bool) -> dict[str, str]:
    """How far an upload is, as its parts are told (RFC 9651 writes true as `?1`)."""
    return {"Upload-Offset": str(offset), "Upload-Complete": "?1" if is_whole else "?0"}
