"""Jobs: submit, notify, poll."""

import time
import uuid
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from gnathos.answers import job_bodies
from gnathos.answers.links import Links
from gnathos.api import job_answers
from gnathos.api.callers import Caller
from gnathos.api.job_answers import Checked, Finished, Processing, Submitted
from gnathos.api.job_body import MAX_TEXT, parse_job, read_json_object
from gnathos.api.job_watch import Sight
from gnathos.api.responses import problems
from gnathos.api.services import Engine, Services, base_url
from gnathos.api.versions import Version
from gnathos.errors import (
    BodyNotJson,
    BodyTooLarge,
    ExternalJobIdTaken,
    IdempotencyKeyReused,
    InputExpired,
    InvalidOption,
    JobDeleted,
    NotSupportedYet,
    RequestInvalid,
    StorageFull,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
    TokenOfAnotherRegion,
    TooManyJobs,
    TooManyOpenJobs,
    UnknownExtension,
    UnknownJob,
    UnknownStructure,
    UnknownVersion,
    UploadMissing,
    UrlRefused,
)
from gnathos.jobs.credentials import Identity
from gnathos.jobs.results import find_external_job_id, find_kept_job
from gnathos.jobs.states import OPEN_STATES
from gnathos.jobs.submission import NewJob, submit_job, with_sources
from gnathos.jobs.tables import Job
from gnathos.jobs.uploads import (
    is_waiting_for_uploads,
)

router = APIRouter(tags=["Jobs"])

RETRY_SOON_S = 2
"""How soon to poll again, while the job runs or waits for a worker."""

RETRY_LATER_S = 5
"""The same, while it waits for uploads."""

MAX_KEY = 255
"""Characters of an Idempotency-Key."""

ACCESS = (TokenMissing, TokenInvalid, TokenExpired, TokenOfAnotherRegion, UnknownVersion)

IdempotencyKey = Annotated[
    str | None,
    Header(
        description="Repeat a request with the same key and body, and no second job is made.",
        max_length=MAX_KEY,
        min_length=1,
    ),
]

MAX_WAIT_S = 60
"""Less than the time after which proxies give up on an answer, usually."""

Wait = Annotated[int, Query(description="Wait so many seconds for the end of the job.", ge=0, le=MAX_WAIT_S)]

DryRun = Annotated[
    bool, Query(alias="dryRun", description="Check the body and say what it can produce; no job is made.")
]

JobId = Annotated[
    str,
    Query(description="From the answer to the submission, or the job's `externalJobId`.", max_length=MAX_TEXT),
]


@router.post(
    "/{version}/job",
    summary="Submit a job",
    response_model=Submitted | Checked,
    responses=problems(
        *ACCESS,
        BodyNotJson,
        RequestInvalid,
        UnknownStructure,
        UnknownExtension,
        InvalidOption,
        NotSupportedYet,
        UrlRefused,
        BodyTooLarge,
        ExternalJobIdTaken,
        IdempotencyKeyReused,
        TooManyOpenJobs,
        TooManyJobs,
        StorageFull,
        UnknownJob,
        JobDeleted,
        UploadMissing,
        InputExpired,
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/JobBody"}}},
        }
    },
)
@router.post("/{version}/generic-job", include_in_schema=False)
async def submit(
    request: Request,
    version: Version,
    caller: Caller,
    engine: Engine,
    dry_run: DryRun = False,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Say which files come and which are wanted; the answer says where to send them.

    On `v1` and `v2` the route is also called `/generic-job`. With `dryRun=true` the body is only checked.
    """
    new = parse_job(await read_json_object(request), caller.client_id, version, engine.guard)
    if dry_run:
        return JSONResponse(job_answers.checked(await run_in_threadpool(_with_sources, caller, engine, new)))
    links = links_for(request, engine, version)
    new = replace(new, base_url=links.base)
    return JSONResponse(await run_in_threadpool(_submit, caller, engine, new, idempotency_key, links))


@router.get(
    "/{version}/pollJobResults",
    summary="Ask for the result",
    response_model=Finished,
    responses={
        202: {"model": Processing, "description": "Processing: ask again after Retry-After seconds"},
        **problems(*ACCESS, RequestInvalid, UnknownJob, JobDeleted),
    },
)
async def poll(
    request: Request,
    version: Version,
    caller: Caller,
    engine: Engine,
    jobId: JobId,  # noqa: N803 - the contract's name
    wait: Wait = 0,
) -> JSONResponse:
    """202 while the job waits or runs; 200 with the result once it has ended.

    With `wait`, the answer comes when the job has ended, or after that many seconds.
    """
    until = time.monotonic() + wait
    job = await run_in_threadpool(_read_named_job, caller, engine, jobId)
    while job.state in OPEN_STATES and (remaining_s := until - time.monotonic()) > 0:
        await engine.watch.wait_for_change(job.id, Sight.of(job), remaining_s)
        job = await run_in_threadpool(read_job, caller, engine, job.id)
    return _poll_answer(job, links_for(request, engine, version))


def _read_named_job(caller: Identity, engine: Services, name: str) -> Job:
    """The same by its own id, or by the `externalJobId` that its caller chose, which may look like one."""
    try:
        return read_job(caller, engine, parse_job_id(name))
    except UnknownJob:
        with engine.database.transaction() as session:
            found = find_external_job_id(caller.tenant_id, session, name)
        return read_job(caller, engine, found)


def read_job(caller: Identity, engine: Services, job_id: uuid.UUID) -> Job:
    """A job with its outputs, read in a transaction of its own.

    Raises:
        UnknownJob: the caller's tenant has none of that id.
        JobDeleted: it had.
    """
    with engine.database.transaction() as session:
        job = find_kept_job(caller.tenant_id, session, job_id)
        session.refresh(job, ["outputs"])
        return job


def _poll_answer(job: Job, links: Links) -> JSONResponse:
    headers = {"Cache-Control": "no-store"}
    if job.state not in OPEN_STATES:
        return JSONResponse(job_bodies.finished(job, links), headers=headers)
    return JSONResponse(job_bodies.processing(job, links), 202, {**headers, "Retry-After": str(_retry_after_s(job))})


def parse_job_id(text: str) -> uuid.UUID:
    """The id; what is no id is no job either.

    Raises:
        UnknownJob: it is not one.
    """
    try:
        return uuid.UUID(text)
    except ValueError:
        raise UnknownJob from None


def _submit(caller: Identity, engine: Services, new: NewJob, key: str | None, links: Links) -> dict[str, Any]:
    with engine.database.transaction() as session:
        return job_answers.submitted(submit_job(caller.tenant_id, session, new, key, engine.limits), links)


def _with_sources(caller: Identity, engine: Services, new: NewJob) -> NewJob:
    with engine.database.transaction() as session:
        return with_sources(caller.tenant_id, session, new)


def links_for(request: Request, engine: Services, version: str) -> Links:
    """What makes the URLs of an answer."""
    return Links(base_url(request, engine.settings), version, engine.signer, engine.settings)


def _retry_after_s(job: Job) -> int:
    return RETRY_LATER_S if is_waiting_for_uploads(job) else RETRY_SOON_S
