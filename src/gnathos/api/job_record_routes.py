"""Jobs that were submitted: listed, looked at, watched, cancelled, deleted."""

import json
import time
import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import AwareDatetime

from gnathos.answers import job_bodies
from gnathos.answers.links import Links
from gnathos.api.callers import Caller
from gnathos.api.job_answers import JobPage, JobRecord, JobSummary
from gnathos.api.job_routes import ACCESS, links_for, parse_job_id, read_job
from gnathos.api.job_watch import Sight
from gnathos.api.responses import problems
from gnathos.api.services import Engine, Services
from gnathos.api.versions import Version
from gnathos.errors import (
    GnathosError,
    JobAlreadyEnded,
    JobDeleted,
    RequestInvalid,
    StoreUnavailable,
    UnknownJob,
)
from gnathos.jobs.credentials import Identity
from gnathos.jobs.deletion import cancel_job, delete_job, object_prefix, record_erasure
from gnathos.jobs.listing import Wanted, list_jobs
from gnathos.jobs.results import find_job
from gnathos.jobs.states import OPEN_STATES, State

router = APIRouter(tags=["Jobs"])

MOST_JOBS = 200
USUAL_JOBS = 50
"""Jobs of one page."""

MAX_TEXT = 1000

KEEP_ALIVE_S = 15.0
"""A stream of events says something at least this often, so that nobody on the way takes it for dead."""

LONGEST_STREAM_S = 3600.0
"""Then a stream ends; browsers and libraries open it again by themselves."""

NO_STORE = {"Cache-Control": "no-store"}

EVENT_SCHEMA = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"type": "string", "enum": ["progress", "finished", "error"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
"""Of one event."""

States = Annotated[list[State] | None, Query(alias="state", description="Only jobs in it; may be repeated.")]
After = Annotated[AwareDatetime | None, Query(alias="createdAfter", description="Only jobs made then or later.")]
Before = Annotated[AwareDatetime | None, Query(alias="createdBefore", description="Only jobs made before.")]
ExternalId = Annotated[str | None, Query(alias="externalJobId", max_length=MAX_TEXT)]
EndUser = Annotated[str | None, Query(alias="endUserId", max_length=MAX_TEXT)]
Cursor = Annotated[str | None, Query(description="`nextCursor` of the page before.", max_length=MAX_TEXT)]
Limit = Annotated[int, Query(description="Jobs of one page.", ge=1, le=MOST_JOBS)]


async def wanted_jobs(
    states: States = None,
    after: After = None,
    before: Before = None,
    external_job_id: ExternalId = None,
    end_user_id: EndUser = None,
) -> Wanted:
    """The filters of the query; async, to be spared a thread.

    Raises:
        RequestInvalid: one of them is none that the database takes.
    """
    if any(text and "\0" in text for text in (external_job_id, end_user_id)):
        raise RequestInvalid("A parameter contains the character zero.")
    return Wanted(states or (), after, before, external_job_id, end_user_id)


@router.get(
    "/{version}/jobs",
    summary="List jobs, the newest first",
    response_model=JobPage,
    responses=problems(*ACCESS, RequestInvalid),
)
def list_page(
    version: Version,  # noqa: ARG001 - checked by its type
    caller: Caller,
    engine: Engine,
    wanted: Annotated[Wanted, Depends(wanted_jobs)],
    cursor: Cursor = None,
    limit: Limit = USUAL_JOBS,
) -> JSONResponse:
    """Jobs of the token's tenant; deleted ones are listed as the records that are left of them."""
    with engine.database.transaction() as session:
        page = list_jobs(caller.tenant_id, session, wanted, limit, cursor)
        jobs = [job_bodies.summary(job) for job in page.jobs]
    return JSONResponse({"jobs": jobs, "nextCursor": page.cursor}, headers=NO_STORE)


@router.get(
    "/{version}/jobs/{job_id}",
    summary="Look at a job",
    response_model=JobRecord,
    responses=problems(*ACCESS, RequestInvalid, UnknownJob),
)
def look(
    version: Version,  # noqa: ARG001 - checked by its type
    job_id: str,
    caller: Caller,
    engine: Engine,
) -> JSONResponse:
    """Its state and that of its files, also after it was deleted."""
    with engine.database.transaction() as session:
        job = find_job(caller.tenant_id, session, parse_job_id(job_id))
        return JSONResponse(job_bodies.job_record(job), headers=NO_STORE)


@router.post(
    "/{version}/jobs/{job_id}/cancel",
    summary="Cancel a job",
    response_model=JobSummary,
    responses=problems(*ACCESS, RequestInvalid, UnknownJob, JobAlreadyEnded),
)
def cancel(
    version: Version,  # noqa: ARG001 - checked by its type
    job_id: str,
    caller: Caller,
    engine: Engine,
) -> JSONResponse:
    """End it without a result, also while it runs; may be repeated. Its uploads stay until it is deleted."""
    with engine.database.transaction() as session:
        job = cancel_job(caller.tenant_id, session, parse_job_id(job_id), caller.client_id)
        return JSONResponse(job_bodies.summary(job), headers=NO_STORE)


@router.delete(
    "/{version}/jobs/{job_id}",
    summary="Delete a job and its files",
    response_model=JobSummary,
    responses=problems(*ACCESS, RequestInvalid, UnknownJob, StoreUnavailable),
)
def remove(
    version: Version,  # noqa: ARG001 - checked by its type
    job_id: str,
    caller: Caller,
    engine: Engine,
) -> JSONResponse:
    """Every byte of it is gone when this answers; a record without anything about the patient stays.

    An open job is cancelled first. May be repeated.
    """
    found = parse_job_id(job_id)
    with engine.database.transaction() as session:
        delete_job(caller.tenant_id, session, found, caller.client_id)
    objects, size_bytes = engine.store.erase_below(object_prefix(caller.tenant_id, found))
    with engine.database.transaction() as session:
        record_erasure(caller.tenant_id, session, found, objects, size_bytes)
        return JSONResponse(job_bodies.summary(find_job(caller.tenant_id, session, found)), headers=NO_STORE)


@router.get(
    "/{version}/jobs/{job_id}/events",
    summary="Watch a job",
    response_class=Response,
    responses={
        200: {
            "description": "`progress` events with the body of a 202 poll, then one `finished` with that of a 200",
            "content": {"text/event-stream": {"schema": EVENT_SCHEMA}},
        },
        **problems(*ACCESS, RequestInvalid, UnknownJob, JobDeleted),
    },
)
async def events(request: Request, version: Version, job_id: str, caller: Caller, engine: Engine) -> StreamingResponse:
    """Server-sent events: one at once, one at every change, and the result at the end."""
    found = parse_job_id(job_id)
    await run_in_threadpool(read_job, caller, engine, found)
    stream = _events(caller, engine, found, links_for(request, engine, version))
    headers = {**NO_STORE, "X-Accel-Buffering": "no"}  # nginx would hold the events back
    return StreamingResponse(stream, headers=headers, media_type="text/event-stream")


async def _events(caller: Identity, engine: Services, job_id: uuid.UUID, links: Links) -> AsyncIterator[str]:
    until = time.monotonic() + LONGEST_STREAM_S
    while time.monotonic() < until:
        try:
            job = await run_in_threadpool(read_job, caller, engine, job_id)
        except GnathosError as error:
            yield _event("error", error.as_reason())
            return
        if job.state not in OPEN_STATES:
            yield _event("finished", job_bodies.finished(job, links))
            return
        yield _event("progress", job_bodies.processing(job, links))
        while not await engine.watch.wait_for_change(job_id, Sight.of(job), KEEP_ALIVE_S):
            yield ": still there\n\n"


def _event(name: str, content: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(content, ensure_ascii=False)}\n\n"
