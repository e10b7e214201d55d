"""Files and jobs whose time is over."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from gnathos.jobs.audit import ENGINE, record
from gnathos.jobs.deletion import cancel_job, delete_job
from gnathos.jobs.limits import Limits
from gnathos.jobs.states import OPEN_STATES, State
from gnathos.jobs.tables import IdempotencyKey, Input, Job, Output, Tenant, WebhookDelivery
from gnathos.jobs.webhooks import PENDING

AT_ONCE = 100
"""What one transaction takes on; the rest is for the next."""

KEYS_KEPT = timedelta(days=7)
"""How long a repeated request is recognised by its Idempotency-Key."""

MESSAGES_KEPT = timedelta(days=30)
"""How long messages that were delivered or given up are listed."""

LOOKED_AFTER = timedelta(days=1)
"""How long after its end a job is looked at for files of attempts that were overtaken."""


@dataclass(frozen=True)
class Overtaken:
    """An ended job of which an attempt may have written to the store after it no longer counted."""

    tenant_id: uuid.UUID
    job_id: uuid.UUID
    object_keys: frozenset[str]
    """Of what belongs to it."""


@dataclass(frozen=True)
class Expired:
    """A file to delete."""

    tenant_id: uuid.UUID
    job_id: uuid.UUID
    object_key: str


def cancel_abandoned(session: Session, usual: Limits) -> int:
    """Cancel jobs whose inputs have not come in time; how many."""
    query = (
        select(Job.tenant_id, Job.id)
        .join(Tenant, Tenant.id == Job.tenant_id)
        .where(Job.state == State.WAITING.value, Job.queued_at.is_(None))
        .where(_is_over(Job.created_at, Tenant.upload_hours, usual.upload_hours))
        .limit(AT_ONCE)
    )
    found = session.execute(query).all()
    for tenant_id, job_id in found:
        cancel_job(tenant_id, session, job_id, ENGINE)
    return len(found)


def forget_uploads(session: Session, usual: Limits) -> list[Expired]:
    """Take uploads of ended jobs, and what was found in them, out of the tables.

    They are to be deleted from the store once this is committed.
    """
    query = (
        select(Input)
        .join(Job, Job.id == Input.job_id)
        .join(Tenant, Tenant.id == Input.tenant_id)
        .where(Input.object_key.is_not(None), Job.state.not_in([state.value for state in OPEN_STATES]))
        .where(_is_over(Job.ended_at, Tenant.upload_hours, usual.upload_hours))
        .limit(AT_ONCE)
        .with_for_update(of=Input, skip_locked=True)
    )
    expired = []
    for each in session.scalars(query):
        keys = (each.object_key, each.findings_key)
        expired += [Expired(each.tenant_id, each.job_id, key) for key in keys if key is not None]
        record(each.tenant_id, session, ENGINE, "upload.expired", each.job_id, bytes=each.size_bytes)
        each.object_key = each.findings_key = None
    return expired


def delete_expired(session: Session, usual: Limits) -> int:
    """Delete jobs whose results' time is over, as their owner would; how many. Their files are then to be erased."""
    query = (
        select(Job.tenant_id, Job.id)
        .join(Tenant, Tenant.id == Job.tenant_id)
        .where(Job.deleted_at.is_(None), Job.state.not_in([state.value for state in OPEN_STATES]))
        .where(_is_over(Job.ended_at, Tenant.result_hours, usual.result_hours))
        .limit(AT_ONCE)
    )
    found = session.execute(query).all()
    for tenant_id, job_id in found:
        delete_job(tenant_id, session, job_id, ENGINE)
    return len(found)


def overtaken_jobs(session: Session) -> list[Overtaken]:
    """Jobs that ended lately, and not with their first attempt.

    An attempt that was overtaken deletes its own files; one whose worker was held up, and killed right after it had
    written a file, could not.
    """
    was_overtaken = (Job.attempt > 1) | ((Job.state == State.CANCELLED.value) & (Job.attempt > 0))
    query = select(Job.tenant_id, Job.id).where(was_overtaken, Job.ended_at > func.now() - LOOKED_AFTER)
    return [
        Overtaken(tenant_id, job_id, _own_keys(tenant_id, session, job_id))
        for tenant_id, job_id in session.execute(query).all()
    ]


def _own_keys(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID) -> frozenset[str]:
    outputs = select(Output.object_key).where(Output.tenant_id == tenant_id, Output.job_id == job_id)
    findings = select(Input.findings_key).where(Input.tenant_id == tenant_id, Input.job_id == job_id)
    return frozenset(key for key in (*session.scalars(outputs), *session.scalars(findings)) if key is not None)


def forget_traces(session: Session) -> None:
    """Delete keys and messages that nobody asks for any more."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < func.now() - KEYS_KEPT))
    old = WebhookDelivery.created_at < func.now() - MESSAGES_KEPT
    session.execute(delete(WebhookDelivery).where(WebhookDelivery.state != PENDING, old))


def _is_over(
    since: InstrumentedAttribute[Any], own: InstrumentedAttribute[int | None], usual: int
) -> ColumnElement[bool]:
    """Whether so many hours have passed; never where they are 0."""
    hours = func.coalesce(own, usual)
    return (hours > 0) & (since < func.now() - func.make_interval(0, 0, 0, 0, hours))
