"""Showing one job's result to somebody without an account: a link that expires."""

import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from gnathos.answers import job_bodies
from gnathos.answers.links import SECONDS_PER_MINUTE
from gnathos.api.callers import Caller
from gnathos.api.job_answers import Finished
from gnathos.api.job_routes import ACCESS, links_for, parse_job_id
from gnathos.api.responses import problems
from gnathos.api.services import Engine
from gnathos.api.upload_place import SIGNATURE
from gnathos.api.versions import Version
from gnathos.errors import JobDeleted, JobStillOpen, RequestInvalid, UnknownJob, UnknownVersion, UrlExpired, UrlTampered
from gnathos.jobs.audit import record
from gnathos.jobs.results import find_kept_job
from gnathos.jobs.states import OPEN_STATES
from gnathos.jobs.tables import Job
from gnathos.storage.signing import DOWNLOAD_METHODS

USUAL_HOURS = 24
MOST_HOURS = 30 * 24
SECONDS_PER_HOUR = 3600

NO_STORE = {"Cache-Control": "no-store"}

Hours = Annotated[int, Query(description="How long the link works.", ge=1, le=MOST_HOURS)]

router = APIRouter()


class Shared(BaseModel):
    """A link to one result."""

    url: str = Field(description="GET it without a token: the body of a 200 poll. Whoever has it can see the result.")
    expiresAt: str  # noqa: N815 - the contract's style


@router.post(
    "/{version}/jobs/{job_id}/share",
    tags=["Jobs"],
    summary="Make a link to a result",
    response_model=Shared,
    responses=problems(*ACCESS, RequestInvalid, UnknownJob, JobDeleted, JobStillOpen),
)
def share(
    request: Request,
    version: Version,
    job_id: str,
    caller: Caller,
    engine: Engine,
    hours: Hours = USUAL_HOURS,
) -> JSONResponse:
    """For reading this one result, until it expires or the job is deleted; the audit log keeps who made it."""
    found = parse_job_id(job_id)
    expires_at = int(time.time()) + hours * SECONDS_PER_HOUR
    with engine.database.transaction() as session:
        _check_ended(find_kept_job(caller.tenant_id, session, found))
        record(caller.tenant_id, session, caller.client_id, "job.shared", found, hours=hours)
    url = links_for(request, engine, version).shared(caller.tenant_id, found, expires_at)
    moment = datetime.fromtimestamp(expires_at, UTC).isoformat()
    return JSONResponse({"url": url, "expiresAt": moment}, headers=NO_STORE)


@router.get(
    "/{version}/shared/{tenant_id}/{job_id}",
    tags=["Files"],
    summary="See a shared result",
    response_model=Finished,
    responses=problems(RequestInvalid, UrlExpired, UrlTampered, UnknownVersion, UnknownJob, JobDeleted, JobStillOpen),
    openapi_extra=SIGNATURE,
)
def see_shared(
    request: Request, version: Version, tenant_id: uuid.UUID, job_id: uuid.UUID, engine: Engine
) -> JSONResponse:
    """The result, without the ids that its owner gave it; its files' URLs expire no later than the link."""
    signed = engine.signer.check(DOWNLOAD_METHODS, request.url.path, request.query_params)
    links = links_for(request, engine, version)
    minutes = min(engine.settings.url_minutes, max(1, int(signed.expires_at - time.time()) // SECONDS_PER_MINUTE))
    links = replace(links, settings=replace(engine.settings, url_minutes=minutes))
    with engine.database.transaction() as session:
        job = find_kept_job(tenant_id, session, job_id)
        _check_ended(job)
        body = {**job_bodies.finished(job, links), "externalJobId": None}
    return JSONResponse(body, headers=NO_STORE)


def _check_ended(job: Job) -> None:
    if job.state in OPEN_STATES:
        raise JobStillOpen
