"""What a tenant may have and for how long: the installation's settings, unless the tenant has its own."""

import uuid
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gnathos.errors import StorageFull, TooManyJobs, TooManyOpenJobs
from gnathos.jobs.states import OPEN_STATES
from gnathos.jobs.tables import Input, Job, Output, Tenant

BYTES_PER_MB = 10**6

OPEN_JOBS_RETRY_S = 30
STORAGE_RETRY_S = 3600
"""When the same submission may go through: jobs end in minutes, files go by the hour."""

RATE_WINDOW = timedelta(minutes=1)


@dataclass(frozen=True)
class Limits:
    """Of one tenant; 0 is no limit."""

    max_open_jobs: int = 0
    max_stored_mb: int = 0
    """In MB of 10^6 bytes, of all files of its jobs."""
    jobs_per_minute: int = 0
    upload_hours: int = 0
    """How long uploads are kept after their job has ended, and waited for before."""
    result_hours: int = 0
    """How long results are kept after their job has ended."""
    deidentify: int = 0
    """1: it is taken out of DICOM scans whose they are, as they come."""


LIMITS = tuple(each.name for each in fields(Limits))


def limits_of(tenant_id: uuid.UUID, session: Session, usual: Limits) -> Limits:
    """The tenant's own limits, the usual ones where it has none."""
    tenant = session.scalars(select(Tenant).where(Tenant.id == tenant_id)).one()
    own = {name: getattr(tenant, name) for name in LIMITS}
    return Limits(**{name: getattr(usual, name) if value is None else value for name, value in own.items()})


def check_limits(tenant_id: uuid.UUID, session: Session, usual: Limits) -> None:
    """Refuse one more job of a tenant that has as many as it may; submissions of a tenant come one after the other.

    Raises:
        TooManyOpenJobs, TooManyJobs, StorageFull: with the seconds after which it may go through.
    """
    session.execute(select(Tenant.id).where(Tenant.id == tenant_id).with_for_update(key_share=True))
    limits = limits_of(tenant_id, session, usual)
    if limits.jobs_per_minute:
        _check_rate(tenant_id, session, limits.jobs_per_minute)
    if limits.max_open_jobs and count_open(tenant_id, session) >= limits.max_open_jobs:
        raise TooManyOpenJobs(
            f"There are {limits.max_open_jobs} open jobs, as many as there may be.", retry_after_s=OPEN_JOBS_RETRY_S
        )
    if limits.max_stored_mb and stored_bytes(tenant_id, session) >= limits.max_stored_mb * BYTES_PER_MB:
        raise StorageFull(
            f"The files of earlier jobs fill the {limits.max_stored_mb} MB that they may.",
            retry_after_s=STORAGE_RETRY_S,
        )


def count_open(tenant_id: uuid.UUID, session: Session) -> int:
    """How many jobs of the tenant have not ended."""
    open_states = [state.value for state in OPEN_STATES]
    query = select(func.count()).select_from(Job).where(Job.tenant_id == tenant_id, Job.state.in_(open_states))
    return session.scalars(query).one()


def stored_bytes(tenant_id: uuid.UUID, session: Session) -> int:
    """Size of the tenant's files."""
    total = 0
    for table in (Input, Output):
        query = select(func.sum(table.size_bytes)).where(table.tenant_id == tenant_id, table.object_key.is_not(None))
        total += int(session.scalars(query).one() or 0)
    return total


def _check_rate(tenant_id: uuid.UUID, session: Session, most: int) -> None:
    now = datetime.now(UTC)
    query = (
        select(Job.created_at)
        .where(Job.tenant_id == tenant_id, Job.created_at > now - RATE_WINDOW)
        .order_by(Job.created_at.desc())
        .offset(most - 1)
        .limit(1)
    )
    hindering = session.scalars(query).first()
    if hindering is not None:
        wait_s = max((hindering + RATE_WINDOW - now).total_seconds(), 0)
        raise TooManyJobs(f"More than {most} jobs were submitted within a minute.", retry_after_s=int(wait_s) + 1)
