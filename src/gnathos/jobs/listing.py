"""The jobs of a tenant, a page at a time, the newest first."""

import base64
import binascii
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.orm import Session

from gnathos.errors import RequestInvalid
from gnathos.jobs.states import State
from gnathos.jobs.tables import Job


@dataclass(frozen=True)
class Wanted:
    """Which jobs; what is not given does not matter."""

    states: Sequence[State] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None
    external_job_id: str | None = None
    end_user_id: str | None = None


@dataclass(frozen=True)
class Page:
    """Some of the jobs."""

    jobs: list[Job]
    cursor: str | None
    """Where the next page begins; none after the last."""


def list_jobs(tenant_id: uuid.UUID, session: Session, wanted: Wanted, limit: int, cursor: str | None = None) -> Page:
    """One page; jobs that come meanwhile do not shift the next ones.

    Raises:
        RequestInvalid: the cursor is not one of ours.
    """
    place = tuple_(Job.created_at, Job.id)
    query = select(Job).where(Job.tenant_id == tenant_id, *_conditions(wanted)).order_by(place.desc())
    if cursor is not None:
        query = query.where(place < _place_of(cursor))
    jobs = list(session.scalars(query.limit(limit + 1)))
    has_more = len(jobs) > limit
    return Page(jobs[:limit], _cursor_at(jobs[limit - 1]) if has_more else None)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.states:
        found.append(Job.state.in_([state.value for state in wanted.states]))
    if wanted.created_after is not None:
        found.append(Job.created_at >= wanted.created_after)
    if wanted.created_before is not None:
        found.append(Job.created_at < wanted.created_before)
    if wanted.external_job_id is not None:
        found.append(Job.external_job_id == wanted.external_job_id)
    if wanted.end_user_id is not None:
        found.append(Job.end_user_id == wanted.end_user_id)
    return found


def _cursor_at(job: Job) -> str:
    return base64.urlsafe_b64encode(f"{job.created_at.isoformat()} {job.id}".encode()).decode().rstrip("=")


def _place_of(cursor: str) -> tuple[datetime, uuid.UUID]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        moment, _, job_id = text.partition(" ")
        place = datetime.fromisoformat(moment), uuid.UUID(job_id)
        if place[0].tzinfo is None:
            raise ValueError(moment)
    except (ValueError, binascii.Error):
        raise RequestInvalid(
            "The cursor is not one that this engine gave.", remedy="Use `nextCursor` of the page before, as it stands."
        ) from None
    return place
