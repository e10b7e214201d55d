"""The database, as tasks on the worker's event loop use it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.orm import Session

from gnathos.errors import DatabaseUnavailable
from gnathos.jobs.database import Database

PATIENCE_S = 30.0
"""How long a result is held while the database is away."""

RETRY_S = 0.5

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Transactions:
    """Transactions that do not hold up the loop."""

    database: Database

    async def write(self, work: Callable[[Session], Answer]) -> Answer:
        """Do something in a transaction."""

        def transaction() -> Answer:
            with self.database.transaction() as session:
                return work(session)

        return await asyncio.to_thread(transaction)

    async def write_patiently(self, work: Callable[[Session], Answer]) -> Answer:
        """The same, again and again while the database is away; the work must bear being repeated."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return await self.write(work)
            except DatabaseUnavailable:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(RETRY_S)
