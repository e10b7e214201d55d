"""Workers that are there."""

import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gnathos.jobs.tables import WorkerHeartbeat

ALIVE_S = 15.0
"""A worker that has been silent for longer counts as gone: three beats."""

FORGOTTEN_S = 3600.0
"""After this long a silent worker's row is deleted."""


def beat(session: Session, worker_id: uuid.UUID, host: str, engine_version: str) -> None:
    """Say that the worker is there."""
    values = {"id": worker_id, "host": host, "engine_version": engine_version}
    statement = insert(WorkerHeartbeat).values(values)
    session.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"seen_at": func.now()}))
    session.execute(delete(WorkerHeartbeat).where(WorkerHeartbeat.seen_at < _ago(FORGOTTEN_S)))


def sign_off(session: Session, worker_id: uuid.UUID) -> None:
    """Say that the worker is gone."""
    session.execute(delete(WorkerHeartbeat).where(WorkerHeartbeat.id == worker_id))


def count_alive(session: Session) -> int:
    """How many workers gave a sign of life lately."""
    query = select(func.count()).select_from(WorkerHeartbeat).where(WorkerHeartbeat.seen_at > _ago(ALIVE_S))
    return session.scalars(query).one()


def _ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)
