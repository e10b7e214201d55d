"""The worker's process: two loops on the queue (jobs, rescue), a heartbeat, and the end of all of them."""

import asyncio
import logging
import signal
import socket
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
import psycopg
from procrastinate import App, JobContext, PsycopgConnector, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition, Status
from procrastinate.jobs import Job as QueueJob
from procrastinate.retry import BaseRetryStrategy

from gnathos import __version__
from gnathos.children.child import ChildLimits
from gnathos.errors import DatabaseUnavailable
from gnathos.jobs.attempts import requeue_lost_jobs
from gnathos.jobs.credentials import URLS, signing_keys
from gnathos.jobs.database import CONNECT_TIMEOUT_S, Database, libpq_url
from gnathos.jobs.fetches import requeue_lost_fetches
from gnathos.jobs.heartbeats import beat, sign_off
from gnathos.jobs.limits import LIMITS, Limits
from gnathos.jobs.queue import (
    CLEAN,
    DELIVER,
    DELIVERY_QUEUE,
    FETCH,
    JOB_QUEUE,
    RESCUE,
    RESCUE_QUEUE,
    RUN_JOB,
    TRANSFER_QUEUE,
)
from gnathos.jobs.webhooks import requeue_lost_deliveries
from gnathos.receiving import Reception
from gnathos.settings import Settings
from gnathos.storage import ObjectStore, UrlSigner
from gnathos.transfers.guard import UrlGuard
from gnathos.transfers.network import guarded_client
from gnathos.worker.attempt import Workplace, run_attempt
from gnathos.worker.cleaning import Cleaner, clean
from gnathos.worker.doors import Doors
from gnathos.worker.fetching import Dock, fetch_input
from gnathos.worker.notifications import Post, deliver
from gnathos.worker.sending import Sender
from gnathos.worker.transactions import Transactions

logger = logging.getLogger(__name__)

BYTES_PER_MB = 10**6
SECONDS_PER_MINUTE = 60

POLL_S = 1.0
"""How often the queue is looked at beside its notifications, which do not tell of retries."""

QUEUE_BEAT_S = 2.0
"""How often the queue is told that this worker lives."""

STALLED_S = 7.0
"""Silence after which a worker's jobs are given to others: three beats, and one second."""

RESCUE_CRON = "* * * * * */2"
"""Every other second somebody looks for jobs of workers that are no more."""

CLEAN_CRON = "*/5 * * * *"
"""Every five minutes somebody deletes what has been kept for long enough."""

LOST_S = 15.0
"""Silence after which an open job without a place in the queue is given one."""

BEAT_S = 5.0
"""How often the API is told that this worker lives."""

RETRY_DELAYS_S = (0, 5, 20, 60)
"""Between attempts that crashed."""

TRANSFERS_AT_ONCE = 8
"""Files that one worker fetches at the same time."""

MESSAGES_AT_ONCE = 64
"""That one worker has taken from the queue; they are short, and most of their time is waiting for an answer."""
MESSAGES_OF_A_TENANT = 4
"""Of these, so many are sent at the same time: receivers that never answer hold up their own tenant's alone."""

PIPELINE = (sys.executable, "-m", "gnathos.pipeline")


class TryAgain(BaseRetryStrategy):
    """Whatever escapes from an attempt, the job is tried again: attempts that are to be the last do not raise."""

    def get_retry_decision(self, *, exception: BaseException, job: QueueJob) -> RetryDecision:
        """At once where the worker stops; later and later otherwise."""
        is_stop = isinstance(exception, asyncio.CancelledError)
        delay_s = 0 if is_stop else RETRY_DELAYS_S[min(job.attempts, len(RETRY_DELAYS_S) - 1)]
        return RetryDecision(retry_in={"seconds": delay_s})


class WorkerService:
    """A worker."""

    def __init__(self, settings: Settings, scratch: Path, command: Sequence[str] = PIPELINE) -> None:
        self._settings = settings
        self._scratch = scratch
        self._command = command
        self._worker_id = uuid.uuid4()

    async def run(self) -> bool:
        """Work until told to stop by SIGTERM or SIGINT; False if it ended for another reason, as without database."""
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        guard = UrlGuard.from_settings(self._settings.allowed_networks, self._settings.allowed_hosts)
        with Database(self._settings.database_url, pool_size=3) as database:
            async with guarded_client(guard) as client:
                workplace = self._workplace(database, client)
                queue_app = self._queue(workplace)
                _add_transfers(queue_app, await self._post(database, client), self._dock(database, client))
                _add_cleaning(queue_app, self._cleaner(database))
                async with queue_app.open_async() as queue:
                    await self._work(queue, workplace, stopped)
        return stopped.is_set()

    async def _work(self, queue: App, workplace: Workplace, stopped: asyncio.Event) -> None:
        await workplace.write(lambda session: beat(session, self._worker_id, socket.gethostname(), __version__))
        sys.stdout.write("The worker is ready\n")
        sys.stdout.flush()
        loops = [
            asyncio.create_task(_serve(queue, JOB_QUEUE)),
            asyncio.create_task(_serve(queue, RESCUE_QUEUE)),
            asyncio.create_task(_serve(queue, TRANSFER_QUEUE, TRANSFERS_AT_ONCE)),
            asyncio.create_task(_serve(queue, DELIVERY_QUEUE, MESSAGES_AT_ONCE)),
            asyncio.create_task(self._beat(workplace)),
        ]
        stop = asyncio.create_task(stopped.wait())
        await asyncio.wait([*loops, stop], return_when=asyncio.FIRST_COMPLETED)
        for loop in (*loops, stop):
            loop.cancel()
        for ended in await asyncio.gather(*loops, stop, return_exceptions=True):
            if isinstance(ended, Exception):
                logger.error("the worker ends: %r", ended)
        try:
            await workplace.write(lambda session: sign_off(session, self._worker_id))
        except DatabaseUnavailable:
            logger.warning("the worker ends without a database")

    async def _beat(self, workplace: Workplace) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            try:
                await workplace.write(lambda session: beat(session, self._worker_id, socket.gethostname(), __version__))
            except DatabaseUnavailable:
                logger.warning("no heartbeat: the database does not answer")

    async def _post(self, database: Database, client: httpx2.AsyncClient) -> Post:
        keys = await Transactions(database).write(lambda session: signing_keys(session, URLS))
        return Post(database, self._settings, UrlSigner([key.private for key in keys]), client)

    def _dock(self, database: Database, client: httpx2.AsyncClient) -> Dock:
        settings = self._settings
        store = ObjectStore.open(settings.store_url, settings.data / "objects")
        return Dock(
            database=database,
            store=store,
            reception=Reception.from_settings(settings, store, self._scratch),
            usual=self._usual_limits(),
            client=client,
            limit_bytes=settings.max_upload_mb * BYTES_PER_MB,
            limit_s=settings.transfer_minutes * SECONDS_PER_MINUTE,
        )

    def _cleaner(self, database: Database) -> Cleaner:
        settings = self._settings
        store = ObjectStore.open(settings.store_url, settings.data / "objects")
        return Cleaner(database, store, self._usual_limits())

    def _usual_limits(self) -> Limits:
        return Limits(**{name: getattr(self._settings, name) for name in LIMITS})

    def _queue(self, workplace: Workplace) -> App:
        """The queue with the tasks of attempts; the others are added."""
        connector = PsycopgConnector(
            conninfo=libpq_url(self._settings.database_url),
            kwargs={"connect_timeout": CONNECT_TIMEOUT_S},
            configure=_commit_at_once,
            min_size=2,
            max_size=8,
            timeout=CONNECT_TIMEOUT_S,
        )
        app = App(connector=connector)

        @app.task(name=RUN_JOB, queue=JOB_QUEUE, retry=TryAgain())
        async def run_job(tenant_id: str, job_id: str) -> None:
            await run_attempt(workplace, uuid.UUID(tenant_id), uuid.UUID(job_id))

        @app.periodic(cron=RESCUE_CRON)
        @app.task(name=RESCUE, queue=RESCUE_QUEUE, queueing_lock=RESCUE, pass_context=True)
        async def rescue(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - the queue passes it
            await rescue_stalled(context.app)
            await workplace.write(lambda session: requeue_lost_jobs(session, LOST_S))
            await workplace.write(requeue_lost_deliveries)
            await workplace.write(requeue_lost_fetches)

        return app

    def _workplace(self, database: Database, client: httpx2.AsyncClient) -> Workplace:
        settings = self._settings
        environment = {
            "GNATHOS_THREADS": str(settings.threads),
            "GNATHOS_MAX_UNPACKED_MB": str(settings.max_unpacked_mb),
            "MALLOC_ARENA_MAX": "1",  # or glibc gives each thread a heap, which keeps what was once in it
        }
        return Workplace(
            database=database,
            store=ObjectStore.open(settings.store_url, settings.data / "objects"),
            scratch=self._scratch,
            command=self._command,
            limits=ChildLimits(
                settings.job_memory_mb * BYTES_PER_MB, settings.job_minutes * SECONDS_PER_MINUTE, environment
            ),
            most_attempts=settings.job_attempts,
            region=settings.region,
            sender=Sender(client, settings.transfer_minutes * SECONDS_PER_MINUTE),
        )


def _add_transfers(app: App, post: Post, dock: Dock) -> None:
    doors = Doors(MESSAGES_OF_A_TENANT)

    @app.task(name=DELIVER, queue=DELIVERY_QUEUE, retry=TryAgain())
    async def send(tenant_id: str, delivery_id: str) -> None:
        async with doors.of(tenant_id):
            await deliver(post, uuid.UUID(tenant_id), delivery_id)

    @app.task(name=FETCH, queue=TRANSFER_QUEUE, retry=TryAgain())
    async def fetch(tenant_id: str, job_id: str, key: str) -> None:
        await fetch_input(dock, uuid.UUID(tenant_id), uuid.UUID(job_id), key)


def _add_cleaning(app: App, cleaner: Cleaner) -> None:
    @app.periodic(cron=CLEAN_CRON)
    @app.task(name=CLEAN, queue=DELIVERY_QUEUE, queueing_lock=CLEAN)
    async def clean_up(timestamp: int) -> None:  # noqa: ARG001 - the queue passes it
        await clean(cleaner)


async def _commit_at_once(connection: psycopg.AsyncConnection[Any]) -> None:
    """Each call to the queue is one statement: a worker that is held up keeps no locks in it."""
    await connection.set_autocommit(True)


async def rescue_stalled(queue: App) -> None:
    """Give the jobs of workers that are no more to others, as procrastinate's manual shows."""
    for job in await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S):
        try:
            if job.task_name in {RESCUE, CLEAN}:
                await queue.job_manager.finish_job(job, Status.FAILED, delete_job=True)
            else:
                logger.warning("job %s: its worker is gone; it goes to another", job.task_kwargs.get("job_id"))
                await queue.job_manager.retry_job(job)
        except ConnectorException:
            logger.info("place %s in the queue was taken care of by another", job.id)


async def _serve(queue: App, name: str, at_once: int = 1) -> None:
    await queue.run_worker_async(
        queues=[name],
        name=name,
        concurrency=at_once,
        fetch_job_polling_interval=POLL_S,
        update_heartbeat_interval=QUEUE_BEAT_S,
        stalled_worker_timeout=STALLED_S,
        shutdown_graceful_timeout=0,
        delete_jobs=DeleteJobCondition.ALWAYS.value,
        install_signal_handlers=False,
    )
