"""From a checked request to a job that waits for its uploads."""

import hashlib
import json
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gnathos.errors import ExternalJobIdTaken, IdempotencyKeyReused
from gnathos.jobs.audit import record
from gnathos.jobs.fetches import plan_fetch
from gnathos.jobs.limits import Limits, check_limits
from gnathos.jobs.sources import find_source
from gnathos.jobs.states import State
from gnathos.jobs.tables import IdempotencyKey, Input, Job, Output

AWAITING_UPLOAD = "upload"
"""Stage of a job whose inputs have not all been notified."""

FETCHING = "fetch"
"""Stage of a job that waits for nothing but inputs that we fetch."""


UNLIMITED = Limits()


@dataclass(frozen=True)
class NewInput:
    """A file that will be uploaded, or fetched."""

    key: str
    extension: str
    """Normalised."""
    download_url: str | None = None
    """Where to fetch it."""
    source_job_id: uuid.UUID | None = None
    """The earlier job whose input it is; the extension is that one's, too."""

    @property
    def is_fetched(self) -> bool:
        """Whether it comes without an upload."""
        return self.download_url is not None or self.source_job_id is not None


@dataclass(frozen=True)
class NewOutput:
    """A file that is asked for."""

    kind: str
    position: int
    extension: str
    """Normalised."""
    extension_asked: str
    structures: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    upload_url: str | None = None
    """Where to send it."""


@dataclass(frozen=True)
class NewJob:
    """A request, checked."""

    client_id: str
    version: str
    request: dict[str, Any]
    """The body as sent."""
    inputs: tuple[NewInput, ...]
    outputs: tuple[NewOutput, ...]
    options: dict[str, Any] = field(default_factory=dict)
    external_job_id: str | None = None
    cloud_package: str | None = None
    end_user_id: str | None = None
    finish_webhook: str | None = None
    base_url: str | None = None
    """Where the client reached the API."""


def submit_job(
    tenant_id: uuid.UUID,
    session: Session,
    new: NewJob,
    idempotency_key: str | None = None,
    usual: Limits = UNLIMITED,
) -> Job:
    """Make the job, or find the one that the same request made before.

    Raises:
        IdempotencyKeyReused: the key was used with another request.
        ExternalJobIdTaken: another job of the tenant has that `externalJobId`.
        UnknownJob, JobDeleted, UploadMissing, InputExpired: the input of an earlier job cannot be had.
        QuotaReached: the tenant has as many jobs, or files, as it may; a repeated request is answered all the same.
    """
    job_id = uuid.uuid4()
    if idempotency_key is not None:
        claimed_by = _claim_key(tenant_id, session, idempotency_key, _fingerprint(new), job_id)
        if claimed_by != job_id:
            return session.scalars(select(Job).where(Job.tenant_id == tenant_id, Job.id == claimed_by)).one()
    check_limits(tenant_id, session, usual)
    new = with_sources(tenant_id, session, new)
    _insert_job(tenant_id, session, new, job_id)
    record(tenant_id, session, new.client_id, "job.submitted", job_id)
    inputs = _inputs(tenant_id, new, job_id)
    session.add_all([*inputs, *_outputs(tenant_id, new, job_id)])
    for each in inputs:
        if each.is_fetched:
            plan_fetch(session, each)
    session.flush()
    return session.scalars(select(Job).where(Job.tenant_id == tenant_id, Job.id == job_id)).one()


def with_sources(tenant_id: uuid.UUID, session: Session, new: NewJob) -> NewJob:
    """The request, with the extensions of the inputs that are those of earlier jobs.

    Raises:
        UnknownJob, JobDeleted, UploadMissing, InputExpired: one cannot be had.
    """
    return replace(new, inputs=tuple(_with_source(tenant_id, session, each) for each in new.inputs))


def _with_source(tenant_id: uuid.UUID, session: Session, given: NewInput) -> NewInput:
    if given.source_job_id is None:
        return given
    return replace(given, extension=find_source(tenant_id, session, given.source_job_id, given.key).extension)


def _claim_key(tenant_id: uuid.UUID, session: Session, key: str, request_sha256: bytes, job_id: uuid.UUID) -> uuid.UUID:
    """Take the key for `job_id`, or tell whose it is; waits for a request under way with the same key."""
    claim = insert(IdempotencyKey).values(tenant_id=tenant_id, key=key, request_sha256=request_sha256, job_id=job_id)
    session.execute(claim.on_conflict_do_nothing())
    query = select(IdempotencyKey).where(IdempotencyKey.tenant_id == tenant_id, IdempotencyKey.key == key)
    holder = session.scalars(query).one()
    if holder.request_sha256 != request_sha256:
        raise IdempotencyKeyReused
    return holder.job_id


def _fingerprint(new: NewJob) -> bytes:
    return hashlib.sha256(json.dumps([new.version, new.request], sort_keys=True).encode()).digest()


def _insert_job(tenant_id: uuid.UUID, session: Session, new: NewJob, job_id: uuid.UUID) -> None:
    values = {
        "id": job_id,
        "tenant_id": tenant_id,
        "client_id": new.client_id,
        "version": new.version,
        "state": State.WAITING.value,
        "stage": FETCHING if all(each.is_fetched for each in new.inputs) else AWAITING_UPLOAD,
        "request": new.request,
        "options": new.options,
        "external_job_id": new.external_job_id,
        "cloud_package": new.cloud_package,
        "end_user_id": new.end_user_id,
        "finish_webhook": new.finish_webhook,
        "base_url": new.base_url,
    }
    statement = insert(Job).values(values)
    taken = statement.on_conflict_do_nothing(index_elements=["tenant_id", "external_job_id"]).returning(Job.id)
    if session.scalars(taken).first() is None:
        raise ExternalJobIdTaken


def _inputs(tenant_id: uuid.UUID, new: NewJob, job_id: uuid.UUID) -> list[Input]:
    return [
        Input(
            tenant_id=tenant_id,
            job_id=job_id,
            key=each.key,
            extension=each.extension,
            download_url=each.download_url,
            source_job_id=each.source_job_id,
            fetch_failures=0,
        )
        for each in new.inputs
    ]


def _outputs(tenant_id: uuid.UUID, new: NewJob, job_id: uuid.UUID) -> list[Output]:
    return [
        Output(
            tenant_id=tenant_id,
            job_id=job_id,
            kind=each.kind,
            position=each.position,
            extension=each.extension,
            extension_asked=each.extension_asked,
            structures=list(each.structures),
            settings=each.settings,
            upload_url=each.upload_url,
        )
        for each in new.outputs
    ]
