import asyncio
import json
import threading
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime

import httpx2
import pytest
from sqlalchemy import select
from tests.api.conftest import MANDIBLE

from gnathos.jobs.attempts import begin_attempt, end_attempt
from gnathos.jobs.audit import entries
from gnathos.jobs.endings import Ending, OutputEnding
from gnathos.jobs.tables import Job


@pytest.fixture
def submit(api, bearer):
    """Submits a job, and uploads it where content is given; returns its id."""

    def call(content: bytes | None = None, **body: object) -> str:
        answer = api.call("POST", "/26.11/job", json={**MANDIBLE, **body}, headers=bearer).json()
        urls = answer["presignedUploadUrl"]["cbct"]
        if content is not None:
            assert api.call("PUT", urls["uploadUrl"], content=content).status_code == 200
            assert api.call("PUT", urls["notifyUrl"], headers=bearer).status_code == 200
        return str(answer["jobId"])

    return call


def tenant_of(api, job_id: str) -> uuid.UUID:
    with api.database.transaction() as session:
        return session.scalars(select(Job.tenant_id).where(Job.id == uuid.UUID(job_id))).one()


def finish(api, job_id: str) -> None:
    key = uuid.UUID(job_id)
    with api.database.transaction() as session:
        attempt = begin_attempt(tenant_of(api, job_id), session, key)
    assert attempt is not None
    object_key = f"{attempt.tenant_id}/{job_id}/attempts/1/mesh.stl"
    path = api.settings.data / "objects" / object_key
    path.parent.mkdir(parents=True)
    path.write_bytes(b"solid")
    output = OutputEnding("meshes", 0, "Available", object_key, 5, "ab" * 32, 0.9)
    with api.database.transaction() as session:
        assert end_attempt(attempt, session, Ending(success=True, outputs=(output,), receipt={"inputs": ["hash"]}))


def files_of(api, job_id: str) -> list[str]:
    return [path.name for path in (api.settings.data / "objects").rglob("*") if job_id in str(path) and path.is_file()]


@pytest.fixture
def own(api):
    """A bearer of a tenant that nobody else is of."""
    return {"Authorization": f"Bearer {api.token(str(uuid.uuid4()))}"}


def test_pages_hold_every_job_once(api, own) -> None:
    made = [api.call("POST", "/24.06/job", json=MANDIBLE, headers=own).json()["jobId"] for _ in range(5)]

    seen, cursor = [], None
    for _ in range(3):
        parameters = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = api.call("GET", "/24.06/jobs", params=parameters, headers=own).json()
        seen += [job["jobId"] for job in page["jobs"]]
        cursor = page["nextCursor"]

    assert seen == made[::-1]
    assert cursor is None


def test_jobs_are_found_by_state_time_and_names(api, own) -> None:
    def submit(**body: str) -> str:
        return api.call("POST", "/24.06/job", json={**MANDIBLE, **body}, headers=own).json()["jobId"]

    first = submit(endUserId="dentist 7", cloudPackage="test")
    between = datetime.now(UTC).isoformat()
    second = submit(externalJobId="case 1")
    api.call("POST", f"/24.06/jobs/{second}/cancel", headers=own)

    def found(**parameters: object) -> list[str]:
        answer = api.call("GET", "/24.06/jobs", params=parameters, headers=own)
        assert answer.status_code == 200, answer.text
        return [job["jobId"] for job in answer.json()["jobs"]]

    assert found() == [second, first]
    assert found(state="waiting") == [first]
    assert found(state=["waiting", "cancelled"]) == [second, first]
    assert found(createdBefore=between) == [first]
    assert found(createdAfter=between) == [second]
    assert found(externalJobId="case 1") == [second]
    assert found(endUserId="dentist 7") == [first]
    (listed,) = api.call("GET", "/24.06/jobs?state=waiting", headers=own).json()["jobs"]
    assert (listed["endUserId"], listed["cloudPackage"], listed["version"]) == ("dentist 7", "test", "24.06")


@pytest.mark.parametrize(
    "query", ["cursor=x", "cursor=%00", "limit=0", "limit=1000", "state=lost", "createdAfter=now", "endUserId=%00"]
)
def test_wrong_filters_are_refused(api, bearer, query: str) -> None:
    answer = api.call("GET", f"/24.06/jobs?{query}", headers=bearer)

    assert (answer.status_code, answer.json()["code"]) == (400, "request_invalid")


def test_a_job_is_seen_by_its_tenant_alone(api, submit, own) -> None:
    job_id = submit(b"scan")

    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/events")):
        answer = api.call(method, f"/24.06/jobs/{job_id}{path}", headers=own)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_job")
    assert api.call("GET", "/24.06/jobs", headers=own).json() == {"jobs": [], "nextCursor": None}


def test_a_job_with_the_states_of_its_files(api, submit, bearer) -> None:
    found = api.call("GET", f"/26.11/jobs/{submit(b'scan')}", headers=bearer).json()

    (given,), (output,) = found["inputFiles"], found["outputFiles"]
    assert (given["key"], given["extension"], given["size"], len(given["sha256"])) == ("cbct", ".dcm", 4, 64)
    assert output == {"kind": "meshes", "extension": ".stl", "structures": ["mandible"], "status": None}


def test_a_cancelled_job_answers_as_one_that_ended(api, submit, bearer) -> None:
    job_id = submit(b"scan")

    first = api.call("POST", f"/26.11/jobs/{job_id}/cancel", headers=bearer)
    again = api.call("POST", f"/26.11/jobs/{job_id}/cancel", headers=bearer)
    polled = api.call("GET", f"/26.11/pollJobResults?jobId={job_id}", headers=bearer)

    assert (first.status_code, first.json()["state"]) == (200, "cancelled")
    assert again.json() == first.json()
    assert (polled.status_code, polled.json()["success"], polled.json()["state"]) == (200, False, "cancelled")
    assert polled.json()["error"]["code"] == "job_cancelled"
    assert [mesh["status"] for mesh in polled.json()["outputFiles"]["meshes"]] == ["Failed"]
    with api.database.transaction() as session:
        assert begin_attempt(tenant_of(api, job_id), session, uuid.UUID(job_id)) is None


def test_a_job_that_ended_is_not_cancelled(api, submit, bearer) -> None:
    job_id = submit(b"scan")
    finish(api, job_id)

    answer = api.call("POST", f"/26.11/jobs/{job_id}/cancel", headers=bearer)

    assert (answer.status_code, answer.json()["code"]) == (409, "job_already_ended")


def test_a_cancelled_job_takes_no_files(api, bearer) -> None:
    answer = api.call("POST", "/26.11/job", json=MANDIBLE, headers=bearer).json()
    urls = answer["presignedUploadUrl"]["cbct"]
    api.call("POST", f"/26.11/jobs/{answer['jobId']}/cancel", headers=bearer)

    assert api.call("PUT", urls["uploadUrl"], content=b"scan").json()["code"] == "upload_closed"
    assert api.call("PUT", urls["notifyUrl"], headers=bearer).json()["code"] == "upload_closed"
    assert files_of(api, answer["jobId"]) == []


def test_of_a_deleted_job_a_record_is_left(api, submit, bearer) -> None:
    job_id = submit(b"scan", externalJobId="Mrs. Miller", endUserId="dentist 7", options={"mandible": {}})
    finish(api, job_id)
    url = api.call("GET", f"/26.11/pollJobResults?jobId={job_id}", headers=bearer).json()["outputFiles"]["meshes"][0]
    assert len(files_of(api, job_id)) == 2

    answer = api.call("DELETE", f"/26.11/jobs/{job_id}", headers=bearer)
    again = api.call("DELETE", f"/26.11/jobs/{job_id}", headers=bearer)

    assert (answer.status_code, again.json()) == (200, answer.json())
    assert files_of(api, job_id) == []
    assert answer.json()["deletedAt"] <= answer.json()["erasedAt"]
    assert (answer.json()["state"], answer.json()["endUserId"]) == ("succeeded", "dentist 7")
    polled = api.call("GET", f"/26.11/pollJobResults?jobId={job_id}", headers=bearer)
    assert (polled.status_code, polled.json()["code"]) == (410, "job_deleted")
    assert api.call("GET", url["url"]).json()["code"] == "unknown_file"
    record = api.call("GET", f"/26.11/jobs/{job_id}", headers=bearer).json()
    assert (record["externalJobId"], record["inputFiles"], record["outputFiles"]) == (None, [], [])
    with api.database.transaction() as session:
        noted = entries(tenant_of(api, job_id), session, uuid.UUID(job_id))
        job = session.get(Job, uuid.UUID(job_id))
    assert (job.request, job.options, job.receipt) == ({}, {}, {})
    assert [each.action for each in noted] == ["job.submitted", "job.deleted", "job.erased"]
    assert noted[-1].details == {"objects": 2, "bytes": 9, "remaining": 0}
    assert "Miller" not in json.dumps([each.details for each in noted])


def test_deleting_an_open_job_cancels_it(api, submit, bearer) -> None:
    answer = api.call("DELETE", f"/26.11/jobs/{submit(b'scan')}", headers=bearer)

    assert (answer.json()["state"], answer.json()["error"]) == ("cancelled", {"code": "job_cancelled"})


def test_a_dry_run_makes_no_job(api, own) -> None:
    meshes = [{"extension": "STL", "structures": ["all_nerves", "Mandible"]}]
    body = {**MANDIBLE, "outputFiles": {"meshes": meshes}}

    answer = api.call("POST", "/24.06/job?dryRun=true", json=body, headers=own)
    refused = api.call("POST", "/24.06/job?dryRun=true", json={**body, "options": []}, headers=own)

    assert answer.json() == {
        "valid": True,
        "inputFiles": {"cbct": ".dcm"},
        "outputFiles": [
            {"kind": "meshes", "extension": ".stl", "structures": ["right_nerve", "left_nerve", "mandible"]}
        ],
    }
    assert (refused.status_code, refused.json()["code"]) == (400, "request_invalid")
    assert api.call("GET", "/24.06/jobs", headers=own).json()["jobs"] == []


def test_a_poll_waits_for_the_end(api, submit, bearer) -> None:
    job_id = submit(b"scan")
    timer = threading.Timer(0.6, finish, (api, job_id))
    timer.start()
    began = time.monotonic()

    answer = api.call("GET", f"/26.11/pollJobResults?jobId={job_id}&wait=20", headers=bearer, timeout=30)

    timer.join()
    assert answer.status_code == 200
    assert 0.6 < time.monotonic() - began < 3


def test_a_poll_waits_no_longer_than_it_was_told(api, submit, bearer) -> None:
    began = time.monotonic()
    answer = api.call("GET", f"/26.11/pollJobResults?jobId={submit()}&wait=1", headers=bearer)

    assert (answer.status_code, answer.json()["stage"]) == (202, "upload")
    assert 1 <= time.monotonic() - began < 3
    assert api.call("GET", f"/26.11/pollJobResults?jobId={submit()}&wait=61", headers=bearer).status_code == 400


def test_those_who_wait_hold_no_connection(api, submit, bearer) -> None:
    path = f"/26.11/pollJobResults?jobId={submit()}&wait=2"
    pool = api.app.state.services.database.engine.pool

    async def many() -> int:

        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(api.app), base_url="http://engine.test") as client:
            polls = [asyncio.create_task(client.get(path, headers=bearer)) for _ in range(40)]
            await asyncio.sleep(1.5)
            held = pool.checkedout()
            answers = await asyncio.gather(*polls)
            assert {answer.status_code for answer in answers} == {202}
            return held

    assert api.loop.run_until_complete(many()) <= 1


def test_events_of_a_job_that_ended(api, submit, bearer) -> None:
    job_id = submit(b"scan")
    finish(api, job_id)

    answer = api.call("GET", f"/26.11/jobs/{job_id}/events", headers=bearer)

    assert answer.headers["content-type"].startswith("text/event-stream")
    name, content = answer.text.strip().split("\n")
    assert name == "event: finished"
    assert json.loads(content.removeprefix("data: "))["success"] is True


def test_a_quota_that_is_reached_says_when_to_come_again(start_api, settings, postgres) -> None:
    limited = start_api(replace(settings, database_url=postgres.create_database(), max_open_jobs=1))
    bearer = {"Authorization": f"Bearer {limited.token()}"}

    assert limited.call("POST", "/26.11/job", json=MANDIBLE, headers=bearer).status_code == 200
    answer = limited.call("POST", "/26.11/job", json=MANDIBLE, headers=bearer)

    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_open_jobs")
    assert answer.headers["retry-after"] == "30"


def test_usage_is_counted_by_package_and_end_user_also_of_deleted_jobs(api, own) -> None:
    def submit(**named: str) -> str:
        return api.call("POST", "/26.11/job", json={**MANDIBLE, **named}, headers=own).json()["jobId"]

    submit(endUserId="dentist", cloudPackage="production")
    cancelled = submit(endUserId="dentist", cloudPackage="production")
    submit(endUserId="dentist", cloudPackage="testing")
    submit()
    api.call("DELETE", f"/26.11/jobs/{cancelled}", headers=own)

    counted = api.call("GET", "/26.11/usage", headers=own).json()["usage"]

    facts = [(each["cloudPackage"], each["endUserId"], each["jobs"], each["cancelled"]) for each in counted]
    assert facts == [("production", "dentist", 2, 1), ("testing", "dentist", 1, 0), (None, None, 1, 0)]
    later = {"createdAfter": "2099-01-01T00:00:00Z"}
    assert api.call("GET", "/26.11/usage", headers=own, params=later).json() == {"usage": []}
    assert api.call("GET", "/26.11/usage").status_code == 401
