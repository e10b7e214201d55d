"""Results sent to clients' webhooks."""

import json
import logging
import uuid
from dataclasses import dataclass

import httpx2
from sqlalchemy.orm import Session

from gnathos.answers import job_bodies
from gnathos.answers.links import Links
from gnathos.errors import JobDeleted
from gnathos.jobs.results import find_kept_job
from gnathos.jobs.webhooks import Try, begin_try, end_try
from gnathos.settings import Settings
from gnathos.storage import UrlSigner
from gnathos.traces import traces
from gnathos.transfers.webhooks import Sent, send_message
from gnathos.worker.transactions import Transactions

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Post(Transactions):
    """What sending needs."""

    settings: Settings
    signer: UrlSigner
    client: httpx2.AsyncClient
    """A guarded one."""


async def deliver(post: Post, tenant_id: uuid.UUID, delivery_id: str) -> None:
    """Try a message once; the next try, if one is needed, has its own place in the queue then."""
    wanted = await post.write(lambda session: begin_try(tenant_id, session, delivery_id))
    if wanted is None:
        return
    with traces.span("webhook", webhook__id=delivery_id, job__id=str(wanted.job_id)) as span:
        sent = await _send(post, wanted)
        span.note(http__response__status_code=sent.status or 0)
    state = await post.write_patiently(
        lambda session: end_try(tenant_id, session, delivery_id, sent.status, sent.error, sent.is_final)
    )
    logger.info("webhook %s: %s %s", delivery_id, state, sent.error or "")


async def _send(post: Post, wanted: Try) -> Sent:
    try:
        body = await post.write(lambda session: _body(post, session, wanted))
    except JobDeleted as error:
        return Sent(None, error.detail, is_final=True)
    return await send_message(post.client, wanted.url, wanted.delivery_id, body, wanted.secrets)


def _body(post: Post, session: Session, wanted: Try) -> bytes:
    """The same as a poll would answer now: its URLs are valid from now on."""
    assert wanted.job_id is not None  # noqa: S101 - every message in the queue is a job's
    job = find_kept_job(wanted.tenant_id, session, wanted.job_id)
    base = post.settings.public_url or job.base_url or ""
    links = Links(base.rstrip("/"), job.version, post.signer, post.settings)
    return json.dumps(job_bodies.finished(job, links), ensure_ascii=False).encode()
