"""A job's inputs: uploaded, then notified; the last notification puts the job into the queue."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from gnathos.errors import UnknownFile, UnknownJob, UploadClosed, UploadEmpty, UploadMissing
from gnathos.jobs.queue import enqueue
from gnathos.jobs.states import OPEN_STATES, State
from gnathos.jobs.tables import Input, Job

QUEUED = "queue"
"""Stage of a job that waits for a worker."""


@dataclass(frozen=True)
class Upload:
    """A file that is whole in the store."""

    object_key: str
    size_bytes: int
    sha256: str
    """In hexadecimal digits."""


def find_input(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID, key: str) -> Input:
    """One input of a job.

    Raises:
        UnknownFile: there is none.
    """
    query = select(Input).where(Input.tenant_id == tenant_id, Input.job_id == job_id, Input.key == key)
    found = session.scalars(query).first()
    if found is None:
        raise UnknownFile
    return found


def check_open(found: Input) -> None:
    """Refuse an upload to an input that was notified.

    Raises:
        UploadClosed: it was; or it is fetched.
    """
    if found.notified_at is not None:
        raise UploadClosed
    if found.download_url is not None:
        raise UploadClosed("This input is fetched from its `downloadUrl`; it is not uploaded.")


def record_upload(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID, key: str, upload: Upload) -> str | None:
    """Make a whole upload the input's file.

    Returns:
        The object key of the file that it replaces: to be deleted once this is committed.

    Raises:
        UploadClosed: the input was notified while the upload was under way, or the job has ended.
    """
    if _lock_job(tenant_id, session, job_id).state not in OPEN_STATES:
        raise UploadClosed("The job has ended; it takes no more files.")
    found = find_input(tenant_id, session, job_id, key)
    check_open(found)
    replaced = found.object_key
    found.object_key, found.size_bytes, found.sha256 = upload.object_key, upload.size_bytes, upload.sha256
    found.uploaded_at = _now()
    return replaced


def notify_upload(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID, key: str) -> Job:
    """Take an input as complete; after the last one, put the job into the queue. May be repeated.

    Raises:
        UnknownJob: the tenant has no such job.
        UnknownFile: the job has no such input.
        UploadMissing: nothing was uploaded yet.
        UploadEmpty: what was uploaded is empty.
        UploadClosed: the job was cancelled.
    """
    job = _lock_job(tenant_id, session, job_id)
    found = find_input(tenant_id, session, job_id, key)
    if found.notified_at is None and found.download_url is None:
        if job.state not in OPEN_STATES:
            raise UploadClosed("The job has ended; it takes no more files.")
        _check_uploaded(found)
        found.notified_at = _now()
    queue_if_complete(session, job)
    return job


def queue_if_complete(session: Session, job: Job) -> None:
    """Put a job into the queue if every input is there, and it is not in it yet."""
    if job.queued_at is None and all(each.notified_at is not None for each in job.inputs):
        job.queued_at, job.stage = _now(), QUEUED
        job.queue_job_id = enqueue(job.tenant_id, session, job.id)


def _check_uploaded(found: Input) -> None:
    if found.object_key is None:
        raise UploadMissing
    if found.size_bytes == 0:
        raise UploadEmpty


def _lock_job(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID) -> Job:
    """The job, held until the transaction ends: uploads and notifications of one job come one after the other."""
    query = select(Job).where(Job.tenant_id == tenant_id, Job.id == job_id).with_for_update()
    job = session.scalars(query).first()
    if job is None:
        raise UnknownJob
    return job


def _now() -> datetime:
    return datetime.now(UTC)


def is_waiting_for_uploads(job: Job) -> bool:
    """Whether inputs are still to be notified."""
    return job.state == State.WAITING and job.queued_at is None
