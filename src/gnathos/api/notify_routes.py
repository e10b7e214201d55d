"""Notifications: an input is complete, and is looked at before its job waits for its turn."""

import asyncio
import time
import uuid
from typing import Any

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from gnathos.api import job_answers
from gnathos.api.callers import Caller
from gnathos.api.job_answers import Notified
from gnathos.api.job_routes import ACCESS, parse_job_id
from gnathos.api.responses import problems
from gnathos.api.services import Engine, Services
from gnathos.api.uploads_under_way import BEGINS_WITHIN_S, CHECK_INTERVAL_S
from gnathos.api.versions import InputKey, Version
from gnathos.errors import (
    InputRefused,
    RequestInvalid,
    UnknownFile,
    UnknownJob,
    UploadClosed,
    UploadEmpty,
    UploadMissing,
)
from gnathos.jobs.credentials import Identity
from gnathos.jobs.limits import limits_of
from gnathos.jobs.tables import Input
from gnathos.jobs.uploads import Upload, UploadReplaced, notify_upload, refuse_upload, upload_to_check
from gnathos.storage import StoredObject

router = APIRouter(tags=["Jobs"])

NOTIFY_ERRORS = (RequestInvalid, UnknownJob, UnknownFile, UploadMissing, UploadEmpty, UploadClosed)


@router.put(
    "/{version}/job/{job_id}/inputs/{key}/notify",
    summary="Say that an input is uploaded",
    response_model=Notified,
    responses=problems(*ACCESS, *NOTIFY_ERRORS),
)
@router.post(
    "/{version}/job/{job_id}/inputs/{key}/notify",
    summary="Say that an input is uploaded (the same as PUT)",
    response_model=Notified,
    responses=problems(*ACCESS, *NOTIFY_ERRORS),
)
async def notify(
    version: Version,  # noqa: ARG001 - checked by its type
    job_id: str,
    key: InputKey,
    caller: Caller,
    engine: Engine,
) -> JSONResponse:
    """The upload is complete; after the last input the job starts. May be repeated.

    The file is looked at first, for some seconds: one that is not what it was announced as, or cannot be read, ends
    the job, and the answer says why (`state` is `failed`). A notification that arrives while the upload is under way,
    or just before it, waits for it.
    """
    job = parse_job_id(job_id)
    may_begin_until = time.monotonic() + BEGINS_WITHIN_S
    while True:
        # Asked before the database is: an upload that ends in between is found at the next look.
        may_come = engine.uploads.has(job, key) or time.monotonic() < may_begin_until
        try:
            return JSONResponse(await _receive(caller, engine, job, key))
        except UploadReplaced:
            continue
        except UploadMissing:
            if not may_come:
                raise
        await asyncio.sleep(CHECK_INTERVAL_S)


async def _receive(caller: Identity, engine: Services, job_id: uuid.UUID, key: str) -> dict[str, Any]:
    """Look at an upload, and take it.

    Raises:
        UploadReplaced: another has come meanwhile.
    """
    given = await run_in_threadpool(_upload_to_check, caller, engine, job_id, key)
    object_key = given.object_key if given else None
    instead = None
    if given and object_key:
        try:
            await engine.reception.check(object_key, given.extension, key)
            instead = await _deidentified(caller, engine, job_id, key, object_key)
        except InputRefused as refusal:
            return await run_in_threadpool(_refuse, caller, engine, job_id, key, refusal)
        except UnknownFile:  # a second upload has taken its place
            raise UploadReplaced from None
    return await run_in_threadpool(_notify, caller, engine, job_id, key, object_key, instead)


async def _deidentified(
    caller: Identity, engine: Services, job_id: uuid.UUID, key: str, object_key: str
) -> StoredObject | None:
    """The file without whose it is, where the tenant wants it so."""
    if not await run_in_threadpool(_wants_no_names, caller, engine):
        return None
    new_key = f"{caller.tenant_id}/{job_id}/inputs/{key}-{uuid.uuid4().hex}"
    return await engine.reception.deidentify(object_key, new_key, key)


def _wants_no_names(caller: Identity, engine: Services) -> bool:
    with engine.database.transaction() as session:
        return bool(limits_of(caller.tenant_id, session, engine.limits).deidentify)


def _upload_to_check(caller: Identity, engine: Services, job_id: uuid.UUID, key: str) -> Input | None:
    with engine.database.transaction() as session:
        return upload_to_check(caller.tenant_id, session, job_id, key)


def _refuse(caller: Identity, engine: Services, job_id: uuid.UUID, key: str, refusal: InputRefused) -> dict[str, Any]:
    with engine.database.transaction() as session:
        return job_answers.notified(refuse_upload(caller.tenant_id, session, job_id, key, refusal))


def _notify(
    caller: Identity,
    engine: Services,
    job_id: uuid.UUID,
    key: str,
    object_key: str | None,
    instead: StoredObject | None,
) -> dict[str, Any]:
    upload = Upload(instead.key, instead.size_bytes, instead.sha256) if instead else None
    with engine.database.transaction() as session:
        answer = job_answers.notified(notify_upload(caller.tenant_id, session, job_id, key, object_key, upload))
    if instead and object_key:
        engine.store.delete(object_key)
    return answer
