"""Requests that wait for something to happen to a job.

However many wait, one query asks for all of their jobs, and none of them holds a connection to the database.
"""

import asyncio
import contextlib
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi.concurrency import run_in_threadpool
from sqlalchemy import select

from gnathos.errors import DatabaseUnavailable
from gnathos.jobs.database import Database
from gnathos.jobs.tables import Job

LOOK_S = 0.4
"""How often the database is asked while somebody waits."""


@dataclass(frozen=True)
class Sight:
    """What can be seen to change in a job."""

    state: str
    stage: str
    progress: float
    attempt: int
    is_deleted: bool

    @classmethod
    def of(cls, job: Job) -> "Sight":
        """The job as it is."""
        return cls(job.state, job.stage, job.progress, job.attempt, job.deleted_at is not None)


class JobWatch:
    """Looks at jobs for those who wait; used by the API's event loop only."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: Counter[uuid.UUID] = Counter()
        self._sights: dict[uuid.UUID, Sight] = {}
        self._looked = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    async def wait_for_change(self, job_id: uuid.UUID, seen: Sight, timeout_s: float) -> bool:
        """Return once the job is no longer as it was seen; False if the time was over before."""
        with self._counted(job_id), contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while True:
                    await self._looked.wait()
                    if self._sights.get(job_id, seen) != seen:
                        return True
        return False

    @contextlib.contextmanager
    def _counted(self, job_id: uuid.UUID) -> Iterator[None]:
        self._waiting[job_id] += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_while_needed())
        try:
            yield
        finally:
            self._waiting[job_id] -= 1
            if not self._waiting[job_id]:
                del self._waiting[job_id]
                self._sights.pop(job_id, None)
            if not self._waiting:
                self._looking.cancel()
                self._looking = None

    async def _look_while_needed(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            with contextlib.suppress(DatabaseUnavailable):  # those who wait ask again, and are told then
                found = await run_in_threadpool(self._look, list(self._waiting))
                self._sights = {job_id: each for job_id, each in found.items() if job_id in self._waiting}
            looked, self._looked = self._looked, asyncio.Event()
            looked.set()

    def _look(self, job_ids: list[uuid.UUID]) -> dict[uuid.UUID, Sight]:
        columns = (Job.id, Job.state, Job.stage, Job.progress, Job.attempt, Job.deleted_at.is_not(None))
        with self._database.transaction() as session:
            rows = session.execute(select(*columns).where(Job.id.in_(job_ids))).all()
        return {row[0]: Sight(*row[1:]) for row in rows}
