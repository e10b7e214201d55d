"""How much there is of what, over all tenants: numbers only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from gnathos.jobs.heartbeats import count_alive
from gnathos.jobs.states import State
from gnathos.jobs.tables import Input, Job, Output, WebhookDelivery
from gnathos.jobs.webhooks import STATES


@dataclass(frozen=True)
class Figures:
    """At one moment."""

    jobs: dict[str, int]
    """By state; deleted ones are not counted."""
    queue_seconds: float
    """How long the first in the queue has waited."""
    deliveries: dict[str, int]
    """Messages to webhooks, by state."""
    stored_bytes: int
    workers: int


def count_everything(session: Session) -> Figures:
    """Count."""
    by_state = select(Job.state, func.count()).where(Job.deleted_at.is_(None)).group_by(Job.state)
    by_delivery = select(WebhookDelivery.state, func.count()).group_by(WebhookDelivery.state)
    queued = select(func.min(Job.queued_at)).where(Job.state == State.WAITING.value)
    first = session.scalars(queued).one()
    sizes = [select(func.sum(table.size_bytes)).where(table.object_key.is_not(None)) for table in (Input, Output)]
    return Figures(
        jobs=_counts(session, by_state, [state.value for state in State]),
        queue_seconds=(datetime.now(UTC) - first).total_seconds() if first else 0.0,
        deliveries=_counts(session, by_delivery, STATES),
        stored_bytes=sum(int(session.scalars(size).one() or 0) for size in sizes),
        workers=count_alive(session),
    )


def _counts(session: Session, query: Select[str, int], states: Sequence[str]) -> dict[str, int]:
    found = {row[0]: row[1] for row in session.execute(query)}
    return {state: found.get(state, 0) for state in states}
