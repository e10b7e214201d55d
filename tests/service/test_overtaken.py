"""Attempts that were held up and overtaken: nothing of theirs stays, and nothing of the other's goes."""

import asyncio
import shutil
import sys
import threading
import time
import uuid
from pathlib import Path

import httpx2
import pytest

from gnathos.children.child import ChildLimits
from gnathos.jobs.attempts import begin_attempt, end_attempt
from gnathos.jobs.credentials import ensure_tenant
from gnathos.jobs.database import Database, migrate
from gnathos.jobs.endings import Ending, OutputEnding
from gnathos.jobs.limits import Limits
from gnathos.jobs.submission import NewInput, NewJob, NewOutput, submit_job
from gnathos.jobs.uploads import Upload, notify_upload, record_upload
from gnathos.storage import ObjectStore
from gnathos.worker.attempt import Workplace, run_attempt
from gnathos.worker.cleaning import Cleaner, clean
from gnathos.worker.sending import Sender

STAND_IN = Path(__file__).with_name("stand_in.py")
NEW = NewJob(
    client_id="client",
    version="26.11",
    request={},
    inputs=(NewInput("cbct", ".dcm"),),
    outputs=(NewOutput("meshes", 0, ".stl", ".stl", ("mandible",)),),
)


class HeldStore(ObjectStore):
    """A store that stands still in one of its calls until it is let go."""

    hold_in = ""

    def hold(self, call: str) -> None:
        self.hold_in, self.reached, self.let_go = call, threading.Event(), threading.Event()

    def keep(self, path, key):
        opened = Path(f"{self._store.prefix}-opened")  # an open file outlives its folder, as this copy does
        shutil.copy(path, opened)
        self._stand("keep")
        return super().keep(opened, key)

    def keys_below(self, prefix):
        self._stand("keys_below")
        return super().keys_below(prefix)

    def _stand(self, call: str) -> None:
        if self.hold_in == call:
            self.hold_in = ""
            self.reached.set()
            assert self.let_go.wait(20)


class Race:
    """One job, whose first attempt is held up in the store."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.store = HeldStore.open("", folder / "objects")
        self.workplace = Workplace(
            database=database,
            store=self.store,
            scratch=folder,
            command=(sys.executable, str(STAND_IN)),
            limits=ChildLimits(10**9, 60, {}),
            most_attempts=3,
            region="here",
            sender=Sender(httpx2.AsyncClient(), 60),
        )
        scan = self.put("scan", "inputs/cbct-1", job_id := uuid.uuid4())
        with database.transaction() as session:
            self.tenant_id = ensure_tenant(session, f"tenant {uuid.uuid4()}")
            self.job_id = submit_job(self.tenant_id, session, NEW).id
            record_upload(self.tenant_id, session, self.job_id, "cbct", Upload(scan, 4, "ab" * 32))
            notify_upload(self.tenant_id, session, self.job_id, "cbct")
        assert job_id != self.job_id  # the scan lies elsewhere, where no attempt cleans

    def put(self, content: str, name: str, job_id: uuid.UUID) -> str:
        (self.folder / "file").write_text(content)
        return self.store.keep(self.folder / "file", f"elsewhere/{job_id}/{name}").key

    def overtake(self) -> str:
        """Begin and end the second attempt; the key of its mesh."""
        with self.database.transaction() as session:
            attempt = begin_attempt(self.tenant_id, session, self.job_id)
        assert attempt is not None
        assert attempt.number == 2
        (self.folder / "file").write_text("mesh of the second attempt")
        key = f"{self.tenant_id}/{self.job_id}/attempts/2/meshes-0.stl"
        self.store.keep(self.folder / "file", key)
        with self.database.transaction() as session:
            ending = Ending(success=True, outputs=(OutputEnding("meshes", 0, "Available", key, 26, "cd" * 32),))
            assert end_attempt(attempt, session, ending)
        return key

    async def run_held_up_in(self, call: str) -> str:
        self.store.hold(call)
        running = asyncio.create_task(run_attempt(self.workplace, self.tenant_id, self.job_id))
        assert await asyncio.to_thread(self.store.reached.wait, 30)
        key = await asyncio.to_thread(self.overtake)
        await asyncio.sleep(1.5)  # long enough for the first attempt to be told that it no longer counts
        self.store.let_go.set()
        await running
        return key

    def objects(self) -> list[str]:
        return self.store.keys_below(f"{self.tenant_id}/{self.job_id}/attempts")


@pytest.fixture
def race(database_url, tmp_path):
    migrate(database_url)
    with Database(database_url) as database:
        yield Race(database, tmp_path)


def test_an_attempt_that_is_overtaken_while_it_stores_leaves_nothing(race) -> None:
    key = asyncio.run(race.run_held_up_in("keep"))

    assert race.objects() == [key]


def test_an_attempt_that_is_overtaken_before_it_cleans_deletes_nothing_of_the_other(race) -> None:
    key = asyncio.run(race.run_held_up_in("keys_below"))

    assert race.objects() == [key]


def test_a_worker_that_stops_while_it_stores_writes_nothing_afterwards(race) -> None:
    async def stop_while_storing() -> None:
        race.store.hold("keep")
        running = asyncio.create_task(run_attempt(race.workplace, race.tenant_id, race.job_id))
        assert await asyncio.to_thread(race.store.reached.wait, 30)
        running.cancel()
        threading.Timer(0.5, race.store.let_go.set).start()
        with pytest.raises(asyncio.CancelledError):
            await running
        race.after_stop = race.objects()

    asyncio.run(stop_while_storing())
    time.sleep(0.3)

    assert race.objects() == race.after_stop


def test_what_an_overtaken_attempt_left_as_it_was_killed_is_cleaned(race) -> None:
    with race.database.transaction() as session:
        assert begin_attempt(race.tenant_id, session, race.job_id) is not None
    key = race.overtake()
    (race.folder / "file").write_text("written too late")
    race.store.keep(race.folder / "file", f"{race.tenant_id}/{race.job_id}/attempts/1/meshes-0.stl")
    assert len(race.objects()) == 2

    asyncio.run(clean(Cleaner(race.database, race.store, Limits(upload_hours=24, result_hours=168))))

    assert race.objects() == [key]
