"""What was done for whom: counted from the records of jobs, which stay when jobs are deleted."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gnathos.jobs.states import State
from gnathos.jobs.tables import Job


@dataclass(frozen=True)
class Usage:
    """Of one end user in one package; both None where jobs named none."""

    cloud_package: str | None
    end_user_id: str | None
    jobs: int
    """All that were submitted, open ones too."""
    succeeded: int
    failed: int
    cancelled: int
    seconds: float
    """Time that jobs ran, from the first attempt to the end."""


def count_usage(
    tenant_id: uuid.UUID, session: Session, since: datetime | None = None, until: datetime | None = None
) -> list[Usage]:
    """Count the tenant's jobs by package and end user, in their order.

    Args:
        since: only jobs submitted then or later.
        until: only jobs submitted before.
    """
    ran = func.coalesce(func.sum(func.extract("epoch", Job.ended_at - Job.started_at)), 0)
    ended = [
        func.count().filter(Job.state == state.value) for state in (State.SUCCEEDED, State.FAILED, State.CANCELLED)
    ]
    query = select(Job.cloud_package, Job.end_user_id, func.count(), *ended, ran).where(Job.tenant_id == tenant_id)
    if since is not None:
        query = query.where(Job.created_at >= since)
    if until is not None:
        query = query.where(Job.created_at < until)
    query = query.group_by(Job.cloud_package, Job.end_user_id).order_by(Job.cloud_package, Job.end_user_id)
    return [Usage(*row[:6], round(float(row[6]), 3)) for row in session.execute(query)]
