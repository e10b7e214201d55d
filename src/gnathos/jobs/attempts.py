"""Attempts at a job: begun, seen alive, and ended once.

Each attempt has a number, and only the latest may write. An attempt that was held up (a paused machine, a database
away) finds its number outdated and its work ignored, so that a job ends once, with one result.
"""

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gnathos.errors import AttemptCrashed
from gnathos.jobs.endings import Ending, OutputEnding, end_job, end_output
from gnathos.jobs.queue import enqueue, has_place, is_without_place
from gnathos.jobs.sources import find_findings
from gnathos.jobs.states import OPEN_STATES, State, check_transition
from gnathos.jobs.tables import Job
from gnathos.jobs.uploads import QUEUED

logger = logging.getLogger(__name__)

MAX_LOSSES = 20
"""Attempts that may vanish with their worker before the job is given up: it may be the job that ends the workers."""


@dataclass(frozen=True)
class Attempt:
    """One try of a job."""

    tenant_id: uuid.UUID
    job_id: uuid.UUID
    number: int
    version: str
    options: Mapping[str, Any]
    inputs: tuple["AttemptInput", ...]
    outputs: tuple["AttemptOutput", ...]


@dataclass(frozen=True)
class AttemptInput:
    """A file to read."""

    key: str
    extension: str
    object_key: str
    findings_key: str | None = None
    """Where it is kept what was found in a file of the same content."""


@dataclass(frozen=True)
class AttemptOutput:
    """A file to make."""

    kind: str
    position: int
    extension: str
    structures: tuple[str, ...]
    upload_url: str | None = None
    """Where the client wants it sent."""
    exclude: tuple[str, ...] = ()
    """Structures to be cut out of it."""


@dataclass(frozen=True)
class SignOfLife:
    """How far an attempt is."""

    stage: str
    progress: float
    """0-1."""
    seconds: Mapping[str, Any] = field(default_factory=dict)
    """Of the stages that are finished."""


def begin_attempt(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID) -> Attempt | None:
    """Begin the next attempt; None if the job has ended, or ends here because too many attempts were lost."""
    job = _lock_job(tenant_id, session, job_id)
    if job is None or job.state not in OPEN_STATES:
        return None
    job.losses += job.attempt_is_open
    if job.losses > MAX_LOSSES:
        end_job(session, job, _crash_ending(f"{job.losses} attempts ended together with their worker."))
        return None
    check_transition(State(job.state), State.RUNNING)
    job.state = State.RUNNING.value
    job.attempt += 1
    job.attempt_is_open = True
    job.attempt_seen_at = _now()
    job.started_at = job.started_at or _now()
    job.stage, job.progress = "start", 0.0
    _forget_outputs(job)
    return _attempt(job, session)


def report_life(attempt: Attempt, session: Session, sign: SignOfLife) -> bool:
    """Note how far the attempt is; False if it is no longer the one that counts."""
    values = {"stage": sign.stage, "progress": sign.progress, "stage_seconds": dict(sign.seconds)}
    result = session.execute(_own_job(attempt).values(**values, attempt_seen_at=_now()))
    return _one_row(result)


def record_output(attempt: Attempt, session: Session, made: OutputEnding) -> None:
    """Show an output that is finished before its job is; nothing if the attempt no longer counts."""
    job = _lock_own_job(attempt, session)
    for output in job.outputs if job is not None else ():
        if (output.kind, output.position) == (made.kind, made.position):
            end_output(output, made)


def give_back(attempt: Attempt, session: Session) -> bool:
    """End the attempt without a fault of the job's, as when the worker stops; the job waits again."""
    job = _lock_own_job(attempt, session)
    if job is None:
        return False
    job.state, job.attempt_is_open = State.WAITING.value, False
    _wait_again(job)
    return True


def record_crash(attempt: Attempt, session: Session, detail: str, most_attempts: int) -> bool:
    """Count a crash; the job ends when there were too many.

    Returns:
        Whether the job is to be tried again.
    """
    job = _lock_own_job(attempt, session)
    if job is None:
        return False
    if not job.attempt_is_open:
        return True  # counted already: the first answer was lost on its way
    job.crashes += 1
    job.attempt_is_open = False
    if job.crashes >= most_attempts:
        tries = "attempt" if job.crashes == 1 else "attempts"
        end_job(session, job, _crash_ending(f"{detail} The job was given up after {job.crashes} {tries}."))
        return False
    _wait_again(job)
    return True


def end_attempt(attempt: Attempt, session: Session, ending: Ending) -> bool:
    """End the job with this attempt's result; False if the attempt is no longer the one that counts."""
    job = _lock_own_job(attempt, session)
    if job is None:
        return False
    end_job(session, job, ending)
    for each in job.inputs:
        each.findings_key = ending.findings_keys.get(each.key)
    return True


def is_result(attempt: Attempt, session: Session) -> bool:
    """Whether the job ended with this attempt."""
    query = select(Job.attempt, Job.state).where(Job.tenant_id == attempt.tenant_id, Job.id == attempt.job_id)
    return session.execute(query).one() in {(attempt.number, state) for state in (State.SUCCEEDED, State.FAILED)}


def is_current(attempt: Attempt, session: Session) -> bool:
    """Whether the attempt still counts: not overtaken by another, its job not cancelled."""
    query = select(Job.id).where(
        Job.tenant_id == attempt.tenant_id,
        Job.id == attempt.job_id,
        Job.attempt == attempt.number,
        Job.state == State.RUNNING.value,
    )
    return session.scalars(query).first() is not None


def requeue_lost_jobs(session: Session, silent_s: float) -> list[uuid.UUID]:
    """Give a place in the queue to open jobs that have none and whose attempt has been silent for `silent_s` seconds.

    It heals what no queue can see: a worker that was held up until its job was given to another, and then took the
    place of that one off the queue.
    """
    silent = Job.attempt_seen_at.is_(None) | (Job.attempt_seen_at < _now() - timedelta(seconds=silent_s))
    query = (
        select(Job)
        .where(Job.state.in_([state.value for state in OPEN_STATES]), Job.queued_at.is_not(None), silent)
        .where(is_without_place(Job.queue_job_id))
        .with_for_update(skip_locked=True)
    )
    lost = [job for job in session.scalars(query) if not has_place(session, job.queue_job_id)]
    for job in lost:
        job.queue_job_id = enqueue(job.tenant_id, session, job.id, job.turn or 0)
    return [job.id for job in lost]


def _wait_again(job: Job) -> None:
    job.stage, job.progress = QUEUED, 0.0
    _forget_outputs(job)


def _forget_outputs(job: Job) -> None:
    """What one attempt had finished is made again by the next."""
    for output in job.outputs:
        end_output(output, None)


def _attempt(job: Job, session: Session) -> Attempt:
    return Attempt(
        tenant_id=job.tenant_id,
        job_id=job.id,
        number=job.attempt,
        version=job.version,
        options=job.options,
        inputs=tuple(
            AttemptInput(
                each.key,
                each.extension,
                each.object_key or "",
                find_findings(job.tenant_id, session, each.sha256) if each.sha256 else None,
            )
            for each in job.inputs
        ),
        outputs=tuple(
            AttemptOutput(
                each.kind,
                each.position,
                each.extension,
                tuple(each.structures),
                each.upload_url,
                tuple(each.settings.get("exclude", ())),
            )
            for each in job.outputs
        ),
    )


def _crash_ending(detail: str) -> Ending:
    return Ending(success=False, error=AttemptCrashed(detail).as_reason())


def _own_job(attempt: Attempt) -> sqlalchemy.Update:
    return update(Job).where(
        Job.tenant_id == attempt.tenant_id,
        Job.id == attempt.job_id,
        Job.attempt == attempt.number,
        Job.state == State.RUNNING.value,
    )


def _lock_own_job(attempt: Attempt, session: Session) -> Job | None:
    job = _lock_job(attempt.tenant_id, session, attempt.job_id)
    is_own = job is not None and job.attempt == attempt.number and job.state == State.RUNNING
    return job if is_own else None


def _lock_job(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID) -> Job | None:
    query = select(Job).where(Job.tenant_id == tenant_id, Job.id == job_id).with_for_update()
    return session.scalars(query).first()


def _one_row(result: sqlalchemy.Result[Any]) -> bool:
    return isinstance(result, sqlalchemy.CursorResult) and result.rowcount == 1


def _now() -> datetime:
    return datetime.now(UTC)
