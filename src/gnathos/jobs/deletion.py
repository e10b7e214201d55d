"""Jobs that are ended by their owner, and jobs of which nothing is to be left."""

import uuid
from datetime import UTC, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gnathos.errors import JobAlreadyEnded, JobCancelled, UnknownJob
from gnathos.jobs.audit import record
from gnathos.jobs.endings import Ending, end_job
from gnathos.jobs.states import OPEN_STATES, State
from gnathos.jobs.tables import Input, Job, Output, UploadPart


def cancel_job(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID, actor: str) -> Job:
    """End a job without a result; may be repeated. Its worker sees it within a second and kills the computation.

    Raises:
        UnknownJob: the tenant has no such job.
        JobAlreadyEnded: it has ended otherwise.
    """
    job = _lock_job(tenant_id, session, job_id)
    if job.state == State.CANCELLED:
        return job
    if job.state not in OPEN_STATES:
        raise JobAlreadyEnded(f"The job has {job.state}; it can no longer be cancelled.")
    _cancel(session, job, actor)
    return job


def delete_job(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID, actor: str) -> Job:
    """Forget everything about a job but that it was; may be repeated. An open one is cancelled.

    Its files are to be erased from the store once this is committed, then `record_erasure` is to be called; where
    that does not happen, `jobs_to_erase` finds it later.

    Raises:
        UnknownJob: the tenant has no such job.
    """
    job = _lock_job(tenant_id, session, job_id)
    if job.deleted_at is not None:
        return job
    if job.state in OPEN_STATES:
        _cancel(session, job, actor)
    record(tenant_id, session, actor, "job.deleted", job_id)
    for table in (Input, Output, UploadPart):
        session.execute(delete(table).where(table.tenant_id == tenant_id, table.job_id == job_id))
    session.expire(job, ["inputs", "outputs"])
    job.deleted_at = datetime.now(UTC)
    job.request, job.options, job.external_job_id, job.finish_webhook = {}, {}, None, None
    job.warnings, job.coordinate_system, job.receipt = [], {}, {}
    job.error = {"code": job.error["code"]} if job.error else None
    session.flush()
    return job


def record_erasure(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID, objects: int, size_bytes: int) -> None:
    """Note that the store was asked, after these were deleted, and holds nothing of the job any more."""
    job = _lock_job(tenant_id, session, job_id)
    if job.erased_at is None:
        job.erased_at = datetime.now(UTC)
        record(tenant_id, session, "engine", "job.erased", job_id, objects=objects, bytes=size_bytes, remaining=0)


def jobs_to_erase(session: Session) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Tenant and id of deleted jobs whose files have not been seen to be gone."""
    query = select(Job.tenant_id, Job.id).where(Job.deleted_at.is_not(None), Job.erased_at.is_(None))
    return [(tenant_id, job_id) for tenant_id, job_id in session.execute(query)]


def object_prefix(tenant_id: uuid.UUID, job_id: uuid.UUID) -> str:
    """Below which everything of a job is in the store."""
    return f"{tenant_id}/{job_id}"


def _cancel(session: Session, job: Job, actor: str) -> None:
    end_job(session, job, Ending(success=False, error=JobCancelled().as_reason()), State.CANCELLED)
    record(job.tenant_id, session, actor, "job.cancelled", job.id)


def _lock_job(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID) -> Job:
    query = select(Job).where(Job.tenant_id == tenant_id, Job.id == job_id).with_for_update()
    job = session.scalars(query).first()
    if job is None:
        raise UnknownJob
    return job
