"""An attempt's outputs, put into the store under its own prefix: each as it is finished, the rest at the end."""

import asyncio
import logging
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from gnathos.errors import DatabaseUnavailable, StoreUnavailable
from gnathos.jobs.attempts import Attempt, record_output
from gnathos.jobs.deletion import object_prefix
from gnathos.jobs.endings import OutputEnding
from gnathos.pipeline import OutputResult, Result
from gnathos.pipeline.request import FOUND_FILE, SCAN_KEY
from gnathos.storage import ObjectStore
from gnathos.worker.transactions import Transactions

logger = logging.getLogger(__name__)

NUMBER = re.compile(r"/attempts/(\d+)/")
"""Of the attempt, in the keys of its objects."""

Answer = TypeVar("Answer")


class Shelf:
    """Where one attempt puts what it has made."""

    def __init__(self, transactions: Transactions, store: ObjectStore, attempt: Attempt, folder: Path) -> None:
        self._transactions, self._store, self._attempt, self._folder = transactions, store, attempt, folder
        self._kept: dict[tuple[str, int], OutputEnding] = {}
        self._offered: asyncio.Queue[OutputResult] = asyncio.Queue()

    def offer(self, made: Mapping[str, Any]) -> None:
        """Have an output stored, and shown before the others are finished."""
        self._offered.put_nowait(OutputResult(**made))

    async def keep_offered(self) -> None:
        """Store what is offered, until cancelled; what cannot be shown now is so at the end of the attempt."""
        while True:
            made = await self._offered.get()
            try:
                kept = await self._keep(made)
                await self._transactions.write(partial(record_output, self._attempt, made=kept))
            except (StoreUnavailable, DatabaseUnavailable, OSError) as error:
                logger.warning("job %s: an output is not shown yet: %r", self._attempt.job_id, error)

    async def keep_all(self, result: Result) -> tuple[OutputEnding, ...]:
        """Store what is not stored yet."""
        return tuple([await self._keep(each) for each in result.outputs])

    async def keep_findings(self) -> dict[str, str]:
        """Store what was found in the scan, where the run has written it down; its key, by input."""
        path = self._folder / FOUND_FILE
        if not path.exists():
            return {}
        key = f"{attempt_prefix(self._attempt)}/{FOUND_FILE}"
        await to_its_end(self._store.keep, path, key)
        return {SCAN_KEY: key}

    async def _keep(self, made: OutputResult) -> OutputEnding:
        place = (made.kind, made.position)
        known = self._kept.get(place)
        if known is None or made.sha256 not in {"", known.sha256}:
            self._kept[place] = await to_its_end(_store_output, self._store, self._attempt, self._folder, made)
        return self._kept[place]


async def to_its_end(work: Callable[..., Answer], *arguments: Any) -> Answer:
    """Do something in a thread; when this is cancelled, wait for the thread first.

    A thread cannot be stopped: what it still writes would come after whoever cleans up.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


def clean_store(store: ObjectStore, attempt: Attempt) -> None:
    """Delete what earlier attempts left, and uploads that were never taken over: no other may come any more.

    Only earlier ones: this attempt may have been held up, and overtaken meanwhile.
    """
    for key in store.keys_below(attempts_prefix(attempt.tenant_id, attempt.job_id)):
        number = NUMBER.search(key)
        if number is not None and int(number[1]) < attempt.number:
            store.delete(key)
    inputs_prefix = f"{object_prefix(attempt.tenant_id, attempt.job_id)}/inputs"
    store.delete_below(inputs_prefix, {each.object_key for each in attempt.inputs})


def attempts_prefix(tenant_id: uuid.UUID, job_id: uuid.UUID) -> str:
    """Where the files of all attempts at a job go."""
    return f"{object_prefix(tenant_id, job_id)}/attempts"


def attempt_prefix(attempt: Attempt) -> str:
    """Where this attempt's files go, and no other's."""
    return f"{attempts_prefix(attempt.tenant_id, attempt.job_id)}/{attempt.number}"


def _store_output(store: ObjectStore, attempt: Attempt, folder: Path, made: OutputResult) -> OutputEnding:
    ending = OutputEnding(
        kind=made.kind,
        position=made.position,
        status=made.status,
        confidence=made.confidence,
        reason=dict(made.reason) if made.reason else None,
        parts=tuple(made.parts),
        measures=made.measures,
    )
    if made.path is None:
        return ending
    kept = store.keep(folder / made.path, f"{attempt_prefix(attempt)}/{made.kind}-{made.position}{made.extension}")
    return replace(ending, object_key=kept.key, size_bytes=kept.size_bytes, sha256=kept.sha256)
