"""A job's inputs: uploaded, then notified; the last notification puts the job into the queue."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from gnathos.errors import InputRefused, UnknownFile, UnknownJob, UploadClosed, UploadEmpty, UploadMissing
from gnathos.jobs.endings import Ending, end_job
from gnathos.jobs.queue import enqueue
from gnathos.jobs.states import OPEN_STATES, State
from gnathos.jobs.tables import Input, Job
from gnathos.jobs.turns import next_turn

QUEUED = "queue"
"""Stage of a job that waits for a worker."""


class UploadReplaced(Exception):
    """Another file has come meanwhile; it is to be looked at."""


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
    if found.is_fetched:
        raise UploadClosed("This input is fetched from where its job says; it is not uploaded.")
    if found.notified_at is not None:
        raise UploadClosed


def check_takes_files(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID, key: str) -> Input:
    """The input, its job held until the transaction ends.

    Raises:
        UploadClosed: it was notified, or is fetched, or the job has ended.
    """
    _check_not_ended(_lock_job(tenant_id, session, job_id))
    found = find_input(tenant_id, session, job_id, key)
    check_open(found)
    return found


def record_upload(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID, key: str, upload: Upload) -> str | None:
    """Make a whole upload the input's file.

    Returns:
        The object key of the file that it replaces: to be deleted once this is committed.

    Raises:
        UploadClosed: the input was notified while the upload was under way, or the job has ended.
    """
    found = check_takes_files(tenant_id, session, job_id, key)
    replaced = found.object_key
    found.object_key, found.size_bytes, found.sha256 = upload.object_key, upload.size_bytes, upload.sha256
    found.uploaded_at = _now()
    return replaced


def upload_to_check(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID, key: str) -> Input | None:
    """The input whose file is to be looked at before it is taken as complete; None if it was taken or refused already.

    Raises:
        UnknownJob, UnknownFile, UploadMissing, UploadEmpty, UploadClosed: see `notify_upload`.
    """
    job = _lock_job(tenant_id, session, job_id)
    found = find_input(tenant_id, session, job_id, key)
    if not _is_expected(job, found):
        return None
    _check_not_ended(job)
    _check_uploaded(found)
    return found


def refuse_upload(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID, key: str, refusal: InputRefused) -> Job:
    """End a job whose file cannot be read: who only polls learns it as soon as who reads the answer."""
    job = _lock_job(tenant_id, session, job_id)
    if job.state in OPEN_STATES and find_input(tenant_id, session, job_id, key).notified_at is None:
        end_job(session, job, Ending(success=False, error={**refusal.as_reason(), "input": key}))
    return job


def notify_upload(
    tenant_id: uuid.UUID,
    session: Session,
    job_id: uuid.UUID,
    key: str,
    object_key: str | None = None,
    instead: Upload | None = None,
) -> Job:
    """Take an input as complete; after the last one, put the job into the queue. May be repeated.

    Args:
        object_key: the file that was looked at, where one was.
        instead: what is to be taken in its place.

    Raises:
        UnknownJob: the tenant has no such job.
        UnknownFile: the job has no such input.
        UploadMissing: nothing was uploaded yet.
        UploadEmpty: what was uploaded is empty.
        UploadReplaced: another file has come since this one was looked at.
        UploadClosed: the job was cancelled.
    """
    job = _lock_job(tenant_id, session, job_id)
    found = find_input(tenant_id, session, job_id, key)
    if _is_expected(job, found):
        _check_not_ended(job)
        _check_uploaded(found)
        if object_key not in {None, found.object_key}:
            raise UploadReplaced
        if instead is not None:
            found.object_key, found.size_bytes, found.sha256 = instead.object_key, instead.size_bytes, instead.sha256
        found.notified_at = _now()
    queue_if_complete(session, job)
    return job


def queue_if_complete(session: Session, job: Job) -> None:
    """Put a job into the queue if every input is there, and it is not in it yet."""
    if job.queued_at is None and all(each.notified_at is not None for each in job.inputs):
        job.queued_at, job.stage = _now(), QUEUED
        job.turn = next_turn(job.tenant_id, session)
        job.queue_job_id = enqueue(job.tenant_id, session, job.id, job.turn)


def _is_expected(job: Job, found: Input) -> bool:
    """Whether a file is still to be taken: not there, not fetched, and not refused, which ended the job."""
    was_refused = job.error is not None and job.error.get("input") == found.key
    return found.notified_at is None and not found.is_fetched and not was_refused


def _check_not_ended(job: Job) -> None:
    if job.state not in OPEN_STATES:
        raise UploadClosed("The job has ended; it takes no more files.")


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
