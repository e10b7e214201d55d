import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy

from gnathos.errors import (
    ExternalJobIdTaken,
    IdempotencyKeyReused,
    JobAlreadyEnded,
    UnknownFile,
    UnknownJob,
    UploadClosed,
    UploadEmpty,
    UploadMissing,
)
from gnathos.jobs import attempts
from gnathos.jobs.attempts import (
    Attempt,
    SignOfLife,
    begin_attempt,
    end_attempt,
    give_back,
    record_crash,
    report_life,
    requeue_lost_jobs,
)
from gnathos.jobs.credentials import ensure_tenant
from gnathos.jobs.database import Database
from gnathos.jobs.endings import Ending, OutputEnding
from gnathos.jobs.results import find_job, find_output
from gnathos.jobs.states import OPEN_STATES, TRANSITIONS, State, check_transition
from gnathos.jobs.submission import submit_job
from gnathos.jobs.tables import Job
from gnathos.jobs.uploads import Upload, find_input, notify_upload, record_upload

UPLOAD = Upload("objects/scan", 10, "ab" * 32)
GOOD = Ending(success=True, outputs=(OutputEnding("meshes", 0, "Available", "objects/mesh", 84, "cd" * 32, 0.9),))


@pytest.fixture
def submitted(database, tenant_id, new_job) -> Job:
    with database.transaction() as session:
        return submit_job(tenant_id, session, new_job())


@pytest.fixture
def queued(database, submitted) -> Job:
    return queue(database, submitted)


def queue(database: Database, job: Job) -> Job:
    with database.transaction() as session:
        record_upload(job.tenant_id, session, job.id, "cbct", UPLOAD)
    with database.transaction() as session:
        return notify_upload(job.tenant_id, session, job.id, "cbct")


def begin(database: Database, job: Job) -> Attempt:
    with database.transaction() as session:
        attempt = begin_attempt(job.tenant_id, session, job.id)
    assert attempt is not None
    return attempt


def read(database: Database, job: Job) -> Job:
    with database.transaction() as session:
        found = find_job(job.tenant_id, session, job.id)
        assert len(found.inputs) == 1
        assert len(found.outputs) == 2
        return found


def places(database: Database, job: Job) -> int:
    query = sqlalchemy.text("SELECT count(*) FROM procrastinate_jobs WHERE args->>'job_id' = :id AND status = 'todo'")
    with database.transaction() as session:
        return session.scalars(query, {"id": str(job.id)}).one()


def test_a_job_from_submission_to_result(database, submitted) -> None:
    assert (submitted.state, submitted.stage, submitted.queued_at) == ("waiting", "upload", None)
    assert places(database, submitted) == 0

    queued = queue(database, submitted)
    assert (queued.state, queued.stage) == ("waiting", "queue")
    assert places(database, queued) == 1

    attempt = begin(database, queued)
    assert attempt.number == 1
    assert [(each.key, each.extension, each.object_key) for each in attempt.inputs] == [
        ("cbct", ".dcm", "objects/scan")
    ]
    assert [each.structures for each in attempt.outputs] == [("mandible",), ("all_nerves", "skull")]
    assert attempt.options == {"mandible": {"smoothingIterations": 2}}

    with database.transaction() as session:
        assert report_life(attempt, session, SignOfLife("segment", 0.4, {"read": 1.5}))
    running = read(database, queued)
    assert (running.state, running.stage, running.progress) == ("running", "segment", 0.4)
    assert running.stage_seconds == {"read": 1.5}

    with database.transaction() as session:
        assert end_attempt(attempt, session, GOOD)
    ended = read(database, queued)
    assert (ended.state, ended.success, ended.progress) == ("succeeded", True, 1.0)
    first, second = ended.outputs
    assert (first.status, first.object_key, first.size_bytes) == ("Available", "objects/mesh", 84)
    assert (second.status, second.reason["code"]) == ("Failed", "not_made")


def test_the_last_input_queues_the_job_once(database, tenant_id, new_job) -> None:
    with database.transaction() as session:
        job = submit_job(tenant_id, session, new_job(inputs=("cbct", "ios_upper")))
    for key in ("cbct", "ios_upper"):
        assert places(database, job) == 0
        with database.transaction() as session:
            record_upload(tenant_id, session, job.id, key, UPLOAD)
        with database.transaction() as session:
            notify_upload(tenant_id, session, job.id, key)
    with database.transaction() as session:
        notify_upload(tenant_id, session, job.id, "cbct")

    assert places(database, job) == 1


def test_notifications_at_once_queue_the_job_once(database, submitted) -> None:
    with database.transaction() as session:
        record_upload(submitted.tenant_id, session, submitted.id, "cbct", UPLOAD)

    def notify() -> None:
        with database.transaction() as session:
            notify_upload(submitted.tenant_id, session, submitted.id, "cbct")

    threads = [threading.Thread(target=notify) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert places(database, submitted) == 1


def test_queueing_and_notifying_are_one_transaction(database, submitted) -> None:
    with database.transaction() as session:
        record_upload(submitted.tenant_id, session, submitted.id, "cbct", UPLOAD)
    with pytest.raises(RuntimeError, match="power cut"):
        _notify_until_power_cut(database, submitted)

    assert places(database, submitted) == 0
    assert read(database, submitted).queued_at is None


def _notify_until_power_cut(database: Database, job: Job) -> None:
    with database.transaction() as session:
        notify_upload(job.tenant_id, session, job.id, "cbct")
        raise RuntimeError("power cut")


def test_notify_needs_an_upload_with_content(database, submitted) -> None:
    tenant_id, job_id = submitted.tenant_id, submitted.id
    with pytest.raises(UploadMissing), database.transaction() as session:
        notify_upload(tenant_id, session, job_id, "cbct")
    with database.transaction() as session:
        record_upload(tenant_id, session, job_id, "cbct", Upload("objects/empty", 0, ""))
    with pytest.raises(UploadEmpty), database.transaction() as session:
        notify_upload(tenant_id, session, job_id, "cbct")
    with pytest.raises(UnknownFile), database.transaction() as session:
        notify_upload(tenant_id, session, job_id, "facial")


def test_an_upload_may_be_replaced_until_notified(database, submitted) -> None:
    tenant_id, job_id = submitted.tenant_id, submitted.id
    with database.transaction() as session:
        assert record_upload(tenant_id, session, job_id, "cbct", UPLOAD) is None
    with database.transaction() as session:
        assert record_upload(tenant_id, session, job_id, "cbct", Upload("objects/2", 3, "")) == "objects/scan"
    with database.transaction() as session:
        notify_upload(tenant_id, session, job_id, "cbct")
    with pytest.raises(UploadClosed), database.transaction() as session:
        record_upload(tenant_id, session, job_id, "cbct", UPLOAD)
    with database.transaction() as session:
        assert find_input(tenant_id, session, job_id, "cbct").object_key == "objects/2"


def test_only_the_latest_attempt_ends_the_job(database, queued) -> None:
    outdated, latest = begin(database, queued), begin(database, queued)
    bad = Ending(success=False, error={"code": "x", "detail": "y", "remedy": "z"})
    with database.transaction() as session:
        assert not report_life(outdated, session, SignOfLife("mesh", 0.9))
        assert not end_attempt(outdated, session, bad)
        assert not give_back(outdated, session)
        assert not record_crash(outdated, session, "late", 1)
        assert end_attempt(latest, session, GOOD)
    with database.transaction() as session:
        assert not end_attempt(latest, session, bad)

    assert read(database, queued).success is True
    assert read(database, queued).losses == 1


def test_crashes_are_counted_and_end_the_job(database, queued) -> None:
    for number in (1, 2, 3):
        attempt = begin(database, queued)
        assert attempt.number == number
        with database.transaction() as session:
            assert record_crash(attempt, session, "It was killed by signal 9.", 3) == (number < 3)

    job = read(database, queued)
    assert (job.state, job.success, job.losses) == ("failed", False, 0)
    assert job.error["code"] == "attempt_crashed"
    assert job.error["detail"] == "It was killed by signal 9. The job was given up after 3 attempts."
    assert [output.status for output in job.outputs] == ["Failed", "Failed"]
    assert {output.reason["code"] for output in job.outputs} == {"attempt_crashed"}


def test_a_job_that_ends_the_workers_is_given_up(database, queued) -> None:
    for _ in range(attempts.MAX_LOSSES + 1):
        begin(database, queued)
    with database.transaction() as session:
        assert begin_attempt(queued.tenant_id, session, queued.id) is None

    assert read(database, queued).error["code"] == "attempt_crashed"


def test_an_attempt_given_back_counts_for_nothing(database, queued) -> None:
    for _ in range(attempts.MAX_LOSSES + 5):
        attempt = begin(database, queued)
        with database.transaction() as session:
            assert give_back(attempt, session)

    job = read(database, queued)
    assert (job.state, job.crashes, job.losses) == ("waiting", 0, 0)


def test_an_ended_job_is_not_begun_again(database, queued) -> None:
    with database.transaction() as session:
        end_attempt(_begin_within(session, queued), session, GOOD)
    with database.transaction() as session:
        assert begin_attempt(queued.tenant_id, session, queued.id) is None


def _begin_within(session, job: Job) -> Attempt:
    attempt = begin_attempt(job.tenant_id, session, job.id)
    assert attempt is not None
    return attempt


def test_a_job_without_a_place_in_the_queue_gets_one(database, queued) -> None:
    begin(database, queued)
    with database.transaction() as session:
        session.execute(sqlalchemy.text("DELETE FROM procrastinate_jobs WHERE id = :id"), {"id": queued.queue_job_id})
    with database.transaction() as session:
        assert requeue_lost_jobs(session, silent_s=15) == []  # its attempt was seen just now

    long_ago = datetime.now(UTC) - timedelta(seconds=20)
    with database.transaction() as session:
        session.execute(sqlalchemy.update(Job).where(Job.id == queued.id).values(attempt_seen_at=long_ago))
        assert requeue_lost_jobs(session, silent_s=15) == [queued.id]
    with database.transaction() as session:
        assert requeue_lost_jobs(session, silent_s=15) == []
    assert places(database, queued) == 1


def test_the_same_request_makes_one_job(database, tenant_id, new_job) -> None:
    jobs: list[uuid.UUID] = []

    def submit() -> None:
        with database.transaction() as session:
            jobs.append(submit_job(tenant_id, session, new_job(), "key").id)

    threads = [threading.Thread(target=submit) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(jobs) == 5
    assert len(set(jobs)) == 1
    with pytest.raises(IdempotencyKeyReused), database.transaction() as session:
        submit_job(tenant_id, session, new_job(request="other"), "key")


def test_keys_and_external_ids_are_per_tenant(database, new_job) -> None:
    with database.transaction() as session:
        one, other = ensure_tenant(session, "one"), ensure_tenant(session, "other")
        first = submit_job(one, session, new_job(external_job_id="case 7"), "key")
        second = submit_job(other, session, new_job(external_job_id="case 7"), "key")
        assert first.id != second.id
    with pytest.raises(ExternalJobIdTaken), database.transaction() as session:
        submit_job(one, session, new_job(external_job_id="case 7"))
    with pytest.raises(UnknownJob), database.transaction() as session:
        find_job(other, session, first.id)
    with database.transaction() as session:
        (output, *_) = find_job(one, session, first.id).outputs
    with pytest.raises(UnknownFile), database.transaction() as session:
        find_output(one, session, output.id)  # it has no file yet


def test_states_and_their_moves() -> None:
    assert {State.WAITING, State.RUNNING} == OPEN_STATES
    for before in State:
        for after in State:
            if after in TRANSITIONS[before]:
                check_transition(before, after)
            else:
                with pytest.raises(JobAlreadyEnded):
                    check_transition(before, after)
