"""The end of the retention: what is over is deleted, and what was deleted is seen to be gone."""

import asyncio
import logging
import uuid
from dataclasses import dataclass

from gnathos.errors import StoreUnavailable
from gnathos.jobs.deletion import jobs_to_erase, object_prefix, record_erasure
from gnathos.jobs.limits import Limits
from gnathos.jobs.parts import forget_parts
from gnathos.jobs.retention import (
    cancel_abandoned,
    delete_expired,
    forget_traces,
    forget_uploads,
    overtaken_jobs,
)
from gnathos.storage import ObjectStore
from gnathos.worker.keeping import attempts_prefix
from gnathos.worker.transactions import Transactions

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cleaner(Transactions):
    """What cleaning needs."""

    store: ObjectStore
    usual: Limits


async def clean(cleaner: Cleaner) -> None:
    """Do what is due; what the store refuses is tried again the next time."""
    await cleaner.write(lambda session: cancel_abandoned(session, cleaner.usual))
    while expired := await cleaner.write(lambda session: forget_uploads(session, cleaner.usual)):
        for each in expired:
            await asyncio.to_thread(cleaner.store.delete, each.object_key)
    for object_key in await cleaner.write(forget_parts):
        await asyncio.to_thread(cleaner.store.delete, object_key)
    while await cleaner.write(lambda session: delete_expired(session, cleaner.usual)):
        pass
    await cleaner.write(forget_traces)
    for job in await cleaner.write(overtaken_jobs):
        prefix = attempts_prefix(job.tenant_id, job.job_id)
        await asyncio.to_thread(cleaner.store.delete_below, prefix, job.object_keys)
    for tenant_id, job_id in await cleaner.write(jobs_to_erase):
        try:
            await _erase(cleaner, tenant_id, job_id)
        except StoreUnavailable:
            logger.warning("job %s: its files could not be erased yet", job_id)


async def _erase(cleaner: Cleaner, tenant_id: uuid.UUID, job_id: uuid.UUID) -> None:
    found = await asyncio.to_thread(cleaner.store.erase_below, object_prefix(tenant_id, job_id))
    await cleaner.write(lambda session: record_erasure(tenant_id, session, job_id, *found))
