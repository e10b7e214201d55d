"""Messages to clients' webhooks: each is tried for a day, then kept until somebody sends it again."""

import base64
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gnathos.errors import DeliveryPending, UnknownDelivery
from gnathos.jobs.queue import DELIVER, enqueue_transfer, has_place, is_without_place
from gnathos.jobs.tables import WebhookDelivery, WebhookSecret

PENDING = "pending"
DELIVERED = "delivered"
DEAD = "dead"
STATES = (PENDING, DELIVERED, DEAD)

RETRY_DELAYS_S = (5, 60, 300, 1800, 7200, 18000, 28800, 36000)
"""Between tries: more than 25 hours in all, so that whoever is away for a day still gets the message."""

JITTER = 0.1
"""Part of a delay by which it varies, so that what failed together is not tried together."""

SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105 - how the standard marks one
KEEP_OLD_HOURS = 24


@dataclass(frozen=True)
class Try:
    """What is needed to send a message once."""

    delivery_id: str
    tenant_id: uuid.UUID
    job_id: uuid.UUID | None
    url: str
    secrets: tuple[bytes, ...]
    """To sign with, all of them."""


def add_delivery(tenant_id: uuid.UUID, session: Session, url: str, job_id: uuid.UUID) -> WebhookDelivery:
    """Have the job's result sent, from the moment that the transaction is committed."""
    delivery = WebhookDelivery(
        id=f"msg_{uuid.uuid4().hex}", tenant_id=tenant_id, job_id=job_id, url=url, state=PENDING, tries=0
    )
    session.add(delivery)
    _enqueue(session, delivery, datetime.now(UTC))
    return delivery


def begin_try(tenant_id: uuid.UUID, session: Session, delivery_id: str) -> Try | None:
    """What to send and where; None if it was delivered or given up meanwhile."""
    delivery = _lock(tenant_id, session, delivery_id)
    if delivery is None or delivery.state != PENDING:
        return None
    keys = tuple(each.secret for each in active_secrets(tenant_id, session))
    return Try(delivery.id, tenant_id, delivery.job_id, delivery.url, keys)


def end_try(
    tenant_id: uuid.UUID, session: Session, delivery_id: str, status: int | None, error: str | None, is_final: bool
) -> str:
    """Note how a try ended; after a failure the next is planned, or the message is given up.

    Args:
        status: HTTP status; None where there was no answer.
        error: what went wrong, in a sentence; None if nothing did.
        is_final: whether trying again cannot help.

    Returns:
        The delivery's state.
    """
    delivery = _lock(tenant_id, session, delivery_id)
    if delivery is None or delivery.state != PENDING:
        return DEAD if delivery is None else delivery.state
    delivery.tries += 1
    delivery.last_status, delivery.last_error, delivery.next_try_at = status, error, None
    if error is None:
        delivery.state, delivery.ended_at = DELIVERED, datetime.now(UTC)
    elif is_final or delivery.tries > len(RETRY_DELAYS_S):
        delivery.state, delivery.ended_at = DEAD, datetime.now(UTC)
    else:
        delay_s = RETRY_DELAYS_S[delivery.tries - 1] * (1 + JITTER * secrets.SystemRandom().random())
        _enqueue(session, delivery, datetime.now(UTC) + timedelta(seconds=delay_s))
    return delivery.state


def list_deliveries(
    tenant_id: uuid.UUID, session: Session, states: Sequence[str] = (), limit: int = 100
) -> list[WebhookDelivery]:
    """The tenant's messages, the newest first."""
    query = select(WebhookDelivery).where(WebhookDelivery.tenant_id == tenant_id)
    if states:
        query = query.where(WebhookDelivery.state.in_(states))
    order = (WebhookDelivery.created_at.desc(), WebhookDelivery.id)
    return list(session.scalars(query.order_by(*order).limit(limit)))


def send_again(tenant_id: uuid.UUID, session: Session, delivery_id: str) -> WebhookDelivery:
    """Try a message again, for another day, under the same id.

    Raises:
        UnknownDelivery: the tenant has none of that id.
        DeliveryPending: it is being tried anyway.
    """
    delivery = _lock(tenant_id, session, delivery_id)
    if delivery is None:
        raise UnknownDelivery
    if delivery.state == PENDING:
        raise DeliveryPending
    delivery.state, delivery.tries, delivery.ended_at = PENDING, 0, None
    _enqueue(session, delivery, datetime.now(UTC))
    return delivery


def requeue_lost_deliveries(session: Session) -> int:
    """Give a place in the queue to messages that have lost theirs; how many."""
    is_lost = is_without_place(WebhookDelivery.queue_job_id)
    query = select(WebhookDelivery).where(WebhookDelivery.state == PENDING, is_lost)
    found = session.scalars(query.with_for_update(skip_locked=True))
    lost = [each for each in found if not has_place(session, each.queue_job_id)]
    for each in lost:
        _enqueue(session, each, datetime.now(UTC))
    return len(lost)


def active_secrets(tenant_id: uuid.UUID, session: Session) -> list[WebhookSecret]:
    """The keys that sign, the newest first; one is made if there is none."""
    now = datetime.now(UTC)
    query = (
        select(WebhookSecret)
        .where(WebhookSecret.tenant_id == tenant_id)
        .where(WebhookSecret.expires_at.is_(None) | (WebhookSecret.expires_at > now))
        .order_by(WebhookSecret.expires_at.is_not(None), WebhookSecret.created_at.desc())
    )
    return list(session.scalars(query)) or [_new_secret(tenant_id, session)]


def rotate_secret(tenant_id: uuid.UUID, session: Session, keep_old_hours: int = KEEP_OLD_HOURS) -> list[WebhookSecret]:
    """Make a new key; those before sign too for some hours more, so that receivers can change over in between."""
    ends_at = datetime.now(UTC) + timedelta(hours=keep_old_hours)
    for each in active_secrets(tenant_id, session):
        each.expires_at = min(each.expires_at or ends_at, ends_at)
    _new_secret(tenant_id, session)
    return active_secrets(tenant_id, session)


def written(secret: bytes) -> str:
    """A key as the standard writes it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def _new_secret(tenant_id: uuid.UUID, session: Session) -> WebhookSecret:
    made = WebhookSecret(tenant_id=tenant_id, secret=secrets.token_bytes(SECRET_BYTES), created_at=datetime.now(UTC))
    session.add(made)
    session.flush()
    return made


def _enqueue(session: Session, delivery: WebhookDelivery, at: datetime) -> None:
    arguments = {"tenant_id": str(delivery.tenant_id), "delivery_id": delivery.id}
    delivery.next_try_at = at
    turn = _messages_before(session, delivery, at)
    delivery.queue_job_id = enqueue_transfer(session, DELIVER, arguments, at, turn)


def _messages_before(session: Session, delivery: WebhookDelivery, at: datetime) -> int:
    """How many of the tenant's own are due by then: the more, the longer it waits behind those of others."""
    query = select(func.count()).where(
        WebhookDelivery.tenant_id == delivery.tenant_id,
        WebhookDelivery.state == PENDING,
        WebhookDelivery.id != delivery.id,
        WebhookDelivery.next_try_at <= at,
    )
    with session.no_autoflush:
        return session.scalars(query).one()


def _lock(tenant_id: uuid.UUID, session: Session, delivery_id: str) -> WebhookDelivery | None:
    query = select(WebhookDelivery).where(WebhookDelivery.tenant_id == tenant_id, WebhookDelivery.id == delivery_id)
    return session.scalars(query.with_for_update()).first()
