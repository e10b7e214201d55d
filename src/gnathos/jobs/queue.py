"""The queue: procrastinate on the same database, so that a job and its place in the queue are one transaction."""

import uuid
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy
from procrastinate.jobs import Job as QueueJob
from procrastinate.manager import JobManager
from procrastinate.sync_psycopg_connector import SyncPsycopgConnector
from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute, Session

JOB_QUEUE = "gnathos-jobs"
RUN_JOB = "gnathos.run_job"
"""The task that runs one attempt at a job."""

RESCUE_QUEUE = "gnathos-rescue"
"""Its own queue, so that the rescue never waits behind a job."""
RESCUE = "gnathos.rescue"

TRANSFER_QUEUE = "gnathos-transfers"
"""Its own queue too: what waits for the network does not keep a computation waiting."""
DELIVERY_QUEUE = "gnathos-deliveries"
"""Of messages, which are short: they do not wait for files."""
DELIVER = "gnathos.deliver"
"""The task that tries to send one message to a webhook."""
FETCH = "gnathos.fetch"
"""The task that tries to fetch one input."""
CLEAN = "gnathos.clean"
"""The task that deletes what has been kept for long enough."""

_manager = JobManager(SyncPsycopgConnector())
"""Its connector is never opened: every call is given the connection of the caller's transaction."""

_places = sqlalchemy.table("procrastinate_jobs", sqlalchemy.column("id"), sqlalchemy.column("status"))
_OPEN: list[ColumnElement[str]] = [sqlalchemy.literal_column("'todo'"), sqlalchemy.literal_column("'doing'")]


def enqueue(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID, turn: int) -> int:
    """Give a job its place in the queue, within the session's transaction; returns the place's id.

    Args:
        turn: the round in which it is to run; earlier ones go first, and in one round who was first in the queue.
    """
    arguments: dict[str, Any] = {"tenant_id": str(tenant_id), "job_id": str(job_id)}
    place = QueueJob(
        queue=JOB_QUEUE,
        priority=-turn,
        lock=str(job_id),
        queueing_lock=None,
        task_name=RUN_JOB,
        task_kwargs=arguments,
    )
    return _defer(session, place)


def enqueue_transfer(
    session: Session, task: str, arguments: dict[str, str], at: datetime | None = None, turn: int = 0
) -> int:
    """Have something sent or fetched, not before the moment given; returns the place's id.

    Args:
        turn: of what waits, earlier ones go first.
    """
    place = QueueJob(
        queue=DELIVERY_QUEUE if task == DELIVER else TRANSFER_QUEUE,
        priority=-turn,
        lock=None,
        queueing_lock=None,
        task_name=task,
        task_kwargs=dict(arguments),
        scheduled_at=at,
    )
    return _defer(session, place)


def _defer(session: Session, place: QueueJob) -> int:
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)  # noqa: S101 - for the type checker
    deferred = _manager.defer_job(place, connection=connection)
    assert deferred.id is not None  # noqa: S101 - the query returns it
    return int(deferred.id)


def is_without_place(queue_job_id: InstrumentedAttribute[int | None]) -> ColumnElement[bool]:
    """A condition: that place in the queue is neither waiting nor being worked on, or there is none.

    It sees the queue as it was when the query began; what it finds is to be looked at again with `has_place`.
    """
    return ~sqlalchemy.exists().where(_places.c.id == queue_job_id, _places.c.status.in_(_OPEN))


def has_place(session: Session, queue_job_id: int | None) -> bool:
    """Whether that place in the queue is still waiting or being worked on."""
    query = sqlalchemy.select(_places.c.id).where(_places.c.id == queue_job_id, _places.c.status.in_(_OPEN))
    return session.execute(query).first() is not None
