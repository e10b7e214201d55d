"""Tenants take turns in the queue."""

import uuid

import pytest
import sqlalchemy

from gnathos.jobs.attempts import begin_attempt
from gnathos.jobs.credentials import ensure_tenant
from gnathos.jobs.deletion import cancel_job
from gnathos.jobs.queue import JOB_QUEUE
from gnathos.jobs.submission import submit_job
from gnathos.jobs.uploads import Upload, notify_upload, record_upload

FETCH = sqlalchemy.text("SELECT args ->> 'job_id' FROM procrastinate_fetch_job_v2(ARRAY[:queue], :worker)")
WORKER = sqlalchemy.text("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
CLEAR = sqlalchemy.text("DELETE FROM procrastinate_jobs")


@pytest.fixture
def queue(database, new_job):
    """Puts jobs of tenants into the queue, and takes them as a worker does."""

    class Queue:
        def __init__(self) -> None:
            self.names: dict[str, str] = {}
            self.tenants: dict[str, uuid.UUID] = {}
            self.taken: list[str] = []

        def put(self, tenant: str, number: int) -> None:
            with database.transaction() as session:
                tenant_id = ensure_tenant(session, tenant)
                self.tenants[tenant] = tenant_id
                for _ in range(number):
                    job_id = submit_job(tenant_id, session, new_job()).id
                    record_upload(tenant_id, session, job_id, "cbct", Upload(f"objects/{job_id}", 1, "ab" * 32))
                    notify_upload(tenant_id, session, job_id, "cbct")
                    self.names[str(job_id)] = tenant

        def take(self) -> str:
            with database.transaction() as session:
                worker = session.execute(WORKER).scalar_one()
                job_id = session.execute(FETCH, {"queue": JOB_QUEUE, "worker": worker}).scalar_one()
                self.taken.append(job_id)
                tenant = self.names[job_id]
                begin_attempt(self.tenants[tenant], session, uuid.UUID(job_id))
                return tenant

        def close(self) -> None:
            with database.transaction() as session:
                for job_id, tenant in self.names.items():
                    cancel_job(self.tenants[tenant], session, uuid.UUID(job_id), "test")
                session.execute(CLEAR)

    opened = Queue()
    yield opened
    opened.close()


def test_who_comes_with_one_job_does_not_wait_for_all_of_another(queue) -> None:
    queue.put("hospital", 60)
    assert [queue.take() for _ in range(3)] == ["hospital"] * 3

    queue.put("practice", 1)

    assert "practice" in [queue.take() for _ in range(2)]
    assert [queue.take() for _ in range(5)] == ["hospital"] * 5


def test_tenants_alternate_and_keep_their_own_order(queue) -> None:
    queue.put("first", 3)
    queue.put("second", 3)
    queue.put("third", 1)

    taken = [queue.take() for _ in range(7)]

    assert taken == ["first", "second", "third", "first", "second", "first", "second"]


def test_later_jobs_of_a_tenant_do_not_overtake_its_earlier_ones(queue) -> None:
    queue.put("busy", 4)
    queue.take()
    queue.put("other", 1)
    queue.put("busy", 1)
    taken = [queue.take() for _ in range(5)]

    assert sorted(taken) == ["busy"] * 4 + ["other"]
    assert taken.index("other") <= 1
    assert [job_id for job_id in queue.taken if queue.names[job_id] == "busy"] == [
        job_id for job_id, tenant in queue.names.items() if tenant == "busy"
    ]
