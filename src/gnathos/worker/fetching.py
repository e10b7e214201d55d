"""Inputs fetched into the store, before their job waits for its turn."""

import asyncio
import logging
import random
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx2

from gnathos.errors import (
    DownloadFailed,
    GnathosError,
    InputExpired,
    JobCancelled,
    StoreUnavailable,
    UnknownFile,
    UploadEmpty,
)
from gnathos.jobs.fetches import (
    Fetch,
    begin_fetch,
    is_fetched_to,
    is_wanted,
    postpone_fetch,
    record_break,
    record_fetch,
)
from gnathos.jobs.limits import Limits, limits_of
from gnathos.jobs.sources import find_source
from gnathos.jobs.uploads import Upload
from gnathos.receiving import Reception
from gnathos.storage import ObjectStore, StoredObject
from gnathos.traces import traces
from gnathos.transfers.fetch import DownloadBroke, download
from gnathos.worker.transactions import Transactions

logger = logging.getLogger(__name__)

MOST_OF_ONE_TENANT = 4
"""Fetches that a tenant may have under way in one worker: slow servers of one do not keep others from fetching."""

POSTPONED_S = (3.0, 10.0)
"""When what is too much now is looked at again."""

ASK_S = 2.0
"""How often it is asked whether the job was cancelled meanwhile."""


@dataclass(frozen=True)
class Dock(Transactions):
    """What fetching needs."""

    store: ObjectStore
    client: httpx2.AsyncClient
    """A guarded one."""
    reception: Reception
    usual: Limits
    """Of tenants without any of their own."""
    limit_bytes: int
    limit_s: float
    under_way: Counter[uuid.UUID] = field(default_factory=Counter)
    """Fetches by tenant."""


async def fetch_input(dock: Dock, tenant_id: uuid.UUID, job_id: uuid.UUID, key: str) -> None:
    """Try once to fetch an input; the next try, if one is needed, has its own place in the queue then."""
    if dock.under_way[tenant_id] >= MOST_OF_ONE_TENANT:
        later = datetime.now(UTC) + timedelta(seconds=random.uniform(*POSTPONED_S))  # noqa: S311 - no secret
        await dock.write(lambda session: postpone_fetch(tenant_id, session, job_id, key, later))
        return
    dock.under_way[tenant_id] += 1
    try:
        with traces.span("fetch", job__id=str(job_id), input=key):
            await _try(dock, tenant_id, job_id, key)
    finally:
        dock.under_way[tenant_id] -= 1


async def _try(dock: Dock, tenant_id: uuid.UUID, job_id: uuid.UUID, key: str) -> None:
    fetch = await dock.write(lambda session: begin_fetch(tenant_id, session, job_id, key))
    if fetch is None:
        return
    try:
        stored = await _fetch(dock, fetch)
    except JobCancelled:
        return
    except (DownloadBroke, StoreUnavailable) as error:
        await _break(dock, fetch, DownloadFailed(str(error)), is_final=False)
    except GnathosError as error:
        await _break(dock, fetch, error, is_final=True)
    else:
        await _record(dock, fetch, stored)


async def _fetch(dock: Dock, fetch: Fetch) -> StoredObject:
    object_key = f"{fetch.tenant_id}/{fetch.job_id}/inputs/{fetch.key}-{uuid.uuid4().hex}"
    try:
        if fetch.source_job_id is not None:
            stored = await _copy(dock, fetch, fetch.source_job_id, object_key)
        else:
            stored = await _download(dock, fetch, object_key)
            await dock.reception.check(object_key, fetch.extension, fetch.key)
        return await _deidentified(dock, fetch, stored)
    except GnathosError:
        await asyncio.to_thread(dock.store.delete, object_key)
        raise


async def _deidentified(dock: Dock, fetch: Fetch, stored: StoredObject) -> StoredObject:
    """The file without whose it is, where the tenant wants it so."""
    limits = await dock.write(lambda session: limits_of(fetch.tenant_id, session, dock.usual))
    if not limits.deidentify:
        return stored
    instead = await dock.reception.deidentify(stored.key, f"{stored.key}-deidentified", fetch.key)
    if instead is None:
        return stored
    await asyncio.to_thread(dock.store.delete, stored.key)
    return instead


async def _copy(dock: Dock, fetch: Fetch, source_job_id: uuid.UUID, object_key: str) -> StoredObject:
    """Take over the file of an earlier job; it was looked at when it came."""
    source = await dock.write(lambda session: find_source(fetch.tenant_id, session, source_job_id, fetch.key))
    try:
        await asyncio.to_thread(dock.store.copy, source.object_key or "", object_key)
    except UnknownFile:
        raise InputExpired from None
    return StoredObject(object_key, source.size_bytes or 0, source.sha256 or "")


async def _download(dock: Dock, fetch: Fetch, object_key: str) -> StoredObject:
    chunks = _while_wanted(dock, fetch, download(dock.client, fetch.url or ""))
    try:
        async with asyncio.timeout(dock.limit_s):
            stored = await dock.store.write(object_key, chunks, dock.limit_bytes)
    except TimeoutError:
        raise DownloadFailed(f"Fetching took longer than the {dock.limit_s / 60:g} minutes that it may.") from None
    if stored.size_bytes == 0:
        await asyncio.to_thread(dock.store.delete, object_key)
        raise UploadEmpty("The file at `downloadUrl` is empty.")
    return stored


async def _while_wanted(dock: Dock, fetch: Fetch, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    asked_at = time.monotonic()
    async for chunk in chunks:
        if time.monotonic() - asked_at > ASK_S:
            if not await dock.write(lambda session: is_wanted(fetch, session)):
                raise JobCancelled
            asked_at = time.monotonic()
        yield chunk


async def _record(dock: Dock, fetch: Fetch, stored: StoredObject) -> None:
    upload = Upload(stored.key, stored.size_bytes, stored.sha256)
    await dock.write_patiently(lambda session: record_fetch(fetch, session, upload))
    # The answer may have been lost on its way, so that the one to the second try says that it was not taken.
    if not await dock.write_patiently(lambda session: is_fetched_to(fetch, session, stored.key)):
        await asyncio.to_thread(dock.store.delete, stored.key)
    logger.info("job %s: %s fetched, %d bytes", fetch.job_id, fetch.key, stored.size_bytes)


async def _break(dock: Dock, fetch: Fetch, reason: GnathosError, is_final: bool) -> None:
    again = await dock.write_patiently(lambda session: record_break(fetch, session, reason, is_final))
    logger.warning("job %s: %s was not fetched, again %s: %s", fetch.job_id, fetch.key, again, reason.detail)
