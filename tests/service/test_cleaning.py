"""What has been kept for long enough is gone, from the tables and from the store."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from gnathos.jobs.attempts import begin_attempt, end_attempt
from gnathos.jobs.audit import entries
from gnathos.jobs.credentials import ensure_tenant
from gnathos.jobs.database import Database, migrate
from gnathos.jobs.deletion import delete_job
from gnathos.jobs.endings import Ending, OutputEnding
from gnathos.jobs.limits import Limits
from gnathos.jobs.results import find_job
from gnathos.jobs.submission import NewInput, NewJob, NewOutput, submit_job
from gnathos.jobs.tables import Job, Tenant
from gnathos.jobs.uploads import Upload, notify_upload, record_upload
from gnathos.storage import ObjectStore
from gnathos.worker.cleaning import Cleaner, clean

NEW = NewJob(
    client_id="client",
    version="26.11",
    request={"made": "by hand"},
    inputs=(NewInput("cbct", ".dcm"),),
    outputs=(NewOutput("meshes", 0, ".stl", ".stl", ("mandible",)),),
)


class Clinic:
    """A tenant whose jobs can be made to have ended long ago."""

    def __init__(self, database: Database, store: ObjectStore, folder) -> None:
        self.database, self.store, self.folder = database, store, folder
        with database.transaction() as session:
            self.tenant_id = ensure_tenant(session, f"clinic {uuid.uuid4()}")

    def put(self, key: str) -> str:
        (self.folder / "file").write_bytes(b"12345")
        return self.store.keep(self.folder / "file", key).key

    def submit(self) -> uuid.UUID:
        with self.database.transaction() as session:
            return submit_job(self.tenant_id, session, NEW).id

    def finished(self) -> uuid.UUID:
        job_id = self.submit()
        scan = self.put(f"{self.tenant_id}/{job_id}/inputs/cbct-1")
        mesh = self.put(f"{self.tenant_id}/{job_id}/attempts/1/meshes-0.stl")
        with self.database.transaction() as session:
            record_upload(self.tenant_id, session, job_id, "cbct", Upload(scan, 5, "ab" * 32))
            notify_upload(self.tenant_id, session, job_id, "cbct")
            attempt = begin_attempt(self.tenant_id, session, job_id)
            assert attempt is not None
            output = OutputEnding("meshes", 0, "Available", mesh, 5, "cd" * 32)
            end_attempt(attempt, session, Ending(success=True, outputs=(output,)))
        return job_id

    def age(self, job_id: uuid.UUID, hours: float) -> None:
        moment = datetime.now(UTC) - timedelta(hours=hours)
        with self.database.transaction() as session:
            session.execute(update(Job).where(Job.id == job_id).values(created_at=moment))
            ended = update(Job).where(Job.id == job_id, Job.ended_at.is_not(None))
            session.execute(ended.values(ended_at=moment))

    def job(self, job_id: uuid.UUID) -> Job:
        with self.database.transaction() as session:
            return find_job(self.tenant_id, session, job_id)

    def clean(self) -> None:
        usual = Limits(upload_hours=24, result_hours=168)
        asyncio.run(clean(Cleaner(self.database, self.store, usual)))

    def files(self, job_id: uuid.UUID) -> list[str]:
        return [key.rpartition("/")[2] for key in self.store.keys_below(f"{self.tenant_id}/{job_id}")]


@pytest.fixture
def clinic(database_url, tmp_path):
    migrate(database_url)
    with Database(database_url) as database:
        yield Clinic(database, ObjectStore.open("", tmp_path / "objects"), tmp_path)


def test_uploads_go_before_results_and_results_before_the_record(clinic) -> None:
    job_id = clinic.finished()

    clinic.age(job_id, 23)
    clinic.clean()
    assert clinic.files(job_id) == ["meshes-0.stl", "cbct-1"]
    clinic.age(job_id, 25)
    clinic.clean()
    assert clinic.files(job_id) == ["meshes-0.stl"]
    assert clinic.job(job_id).deleted_at is None
    clinic.age(job_id, 169)
    clinic.clean()
    assert clinic.files(job_id) == []

    job = clinic.job(job_id)
    assert job.deleted_at <= job.erased_at
    assert (job.state, job.request) == ("succeeded", {})
    with clinic.database.transaction() as session:
        noted = entries(clinic.tenant_id, session, job_id)
    assert [each.action for each in noted] == ["job.submitted", "upload.expired", "job.deleted", "job.erased"]
    assert {each.actor for each in noted[1:]} == {"engine"}


def test_a_job_whose_scan_never_came_is_cancelled(clinic) -> None:
    waiting, abandoned = clinic.submit(), clinic.submit()
    clinic.age(abandoned, 25)

    clinic.clean()

    assert clinic.job(waiting).state == "waiting"
    assert clinic.job(abandoned).state == "cancelled"


def test_a_tenant_may_keep_for_longer(clinic) -> None:

    job_id = clinic.finished()
    with clinic.database.transaction() as session:
        session.execute(update(Tenant).where(Tenant.id == clinic.tenant_id).values(upload_hours=0, result_hours=200))
    clinic.age(job_id, 199)
    clinic.clean()
    assert clinic.files(job_id) == ["meshes-0.stl", "cbct-1"]

    clinic.age(job_id, 201)
    clinic.clean()
    assert clinic.files(job_id) == []


def test_files_that_could_not_be_erased_are_erased_later(clinic) -> None:

    job_id = clinic.finished()
    with clinic.database.transaction() as session:
        delete_job(clinic.tenant_id, session, job_id, "client")
    assert clinic.files(job_id) == ["meshes-0.stl", "cbct-1"]

    clinic.clean()

    assert clinic.files(job_id) == []
    assert clinic.job(job_id).erased_at is not None
