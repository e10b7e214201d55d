"""Inputs that are fetched: from a URL of the client's, or from an earlier job."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from gnathos.errors import GnathosError
from gnathos.jobs.endings import Ending, end_job
from gnathos.jobs.queue import FETCH, enqueue_transfer, has_place, is_without_place
from gnathos.jobs.states import OPEN_STATES, State
from gnathos.jobs.tables import Input, Job
from gnathos.jobs.uploads import Upload, find_input, queue_if_complete

RETRY_DELAYS_S = (5, 30, 120, 300, 600)
"""Between tries that broke; after the last the job has failed."""


@dataclass(frozen=True)
class Fetch:
    """An input to fetch."""

    tenant_id: uuid.UUID
    job_id: uuid.UUID
    key: str
    extension: str
    url: str | None
    source_job_id: uuid.UUID | None
    """In place of a URL: the earlier job whose input it is."""


def plan_fetch(session: Session, given: Input, at: datetime | None = None) -> None:
    """Have an input fetched, not before the moment given."""
    arguments = {"tenant_id": str(given.tenant_id), "job_id": str(given.job_id), "key": given.key}
    given.queue_job_id = enqueue_transfer(session, FETCH, arguments, at)


def begin_fetch(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID, key: str) -> Fetch | None:
    """What to fetch; None if it is there, or the job has ended or is gone."""
    job = _lock_job(tenant_id, session, job_id)
    if job is None or job.state not in OPEN_STATES or job.deleted_at is not None:
        return None
    given = find_input(tenant_id, session, job_id, key)
    if given.notified_at is not None or not given.is_fetched:
        return None
    return Fetch(tenant_id, job_id, key, given.extension, given.download_url, given.source_job_id)


def postpone_fetch(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID, key: str, at: datetime) -> None:
    """Have an input fetched later, if it is still to be."""
    if begin_fetch(tenant_id, session, job_id, key) is not None:
        plan_fetch(session, find_input(tenant_id, session, job_id, key), at)


def is_wanted(fetch: Fetch, session: Session) -> bool:
    """Whether the job is still open."""
    query = select(Job.id).where(
        Job.tenant_id == fetch.tenant_id, Job.id == fetch.job_id, Job.state == State.WAITING.value
    )
    return session.scalars(query).first() is not None


def record_fetch(fetch: Fetch, session: Session, stored: Upload) -> bool:
    """Make what was fetched the input's file; after the last input, put the job into the queue.

    Returns:
        Whether it was taken; otherwise the object is to be deleted.
    """
    job = _lock_job(fetch.tenant_id, session, fetch.job_id)
    if begin_fetch(fetch.tenant_id, session, fetch.job_id, fetch.key) is None or job is None:
        return False
    given = find_input(fetch.tenant_id, session, fetch.job_id, fetch.key)
    given.object_key, given.size_bytes, given.sha256 = stored.object_key, stored.size_bytes, stored.sha256
    given.uploaded_at = given.notified_at = datetime.now(UTC)
    queue_if_complete(session, job)
    return True


def is_fetched_to(fetch: Fetch, session: Session, object_key: str) -> bool:
    """Whether that object is the input's file."""
    query = select(Input.id).where(
        Input.tenant_id == fetch.tenant_id, Input.job_id == fetch.job_id, Input.object_key == object_key
    )
    return session.scalars(query).first() is not None


def record_break(fetch: Fetch, session: Session, reason: GnathosError, is_final: bool) -> bool:
    """Plan the next try after one that failed, or end the job where there is none.

    Returns:
        Whether there is a next.
    """
    job = _lock_job(fetch.tenant_id, session, fetch.job_id)
    if job is None or begin_fetch(fetch.tenant_id, session, fetch.job_id, fetch.key) is None:
        return False
    given = find_input(fetch.tenant_id, session, fetch.job_id, fetch.key)
    given.fetch_failures += 1
    if is_final or given.fetch_failures > len(RETRY_DELAYS_S):
        error = {**reason.as_reason(), "input": fetch.key}
        end_job(session, job, Ending(success=False, error=error))
        return False
    delay = timedelta(seconds=RETRY_DELAYS_S[given.fetch_failures - 1])
    plan_fetch(session, given, datetime.now(UTC) + delay)
    return True


def requeue_lost_fetches(session: Session) -> int:
    """Give a place in the queue to fetches that have lost theirs; how many."""
    query = (
        select(Input)
        .join(Job, Job.id == Input.job_id)
        .where(Job.state == State.WAITING.value, Input.notified_at.is_(None))
        .where(Input.download_url.is_not(None) | Input.source_job_id.is_not(None))
        .where(is_without_place(Input.queue_job_id))
        .with_for_update(of=Input, skip_locked=True)
    )
    lost = [each for each in session.scalars(query) if not has_place(session, each.queue_job_id)]
    for each in lost:
        plan_fetch(session, each)
    return len(lost)


def _lock_job(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID) -> Job | None:
    query = select(Job).where(Job.tenant_id == tenant_id, Job.id == job_id).with_for_update()
    return session.scalars(query).first()
