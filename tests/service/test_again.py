"""Jobs that take the input of an earlier job, and what was found in it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from gnathos.jobs.limits import Limits
from gnathos.jobs.tables import Job
from gnathos.storage import ObjectStore
from gnathos.worker.cleaning import Cleaner, clean

MESHES = {"meshes": [{"extension": ".stl", "structures": ["skull"]}]}


@pytest.fixture(scope="module")
def engine(start_engine):
    started = start_engine()
    started.worker = started.start_worker()
    return started


def again(engine, job_id: str):
    body = {"inputFiles": {"cbct": {"jobId": job_id}}, "outputFiles": MESHES}
    return engine.http.post("/26.11/job", json=body)


def findings_in_store(engine) -> list[str]:
    return [key for key in engine.objects() if key.endswith("findings-found.gz")]


def test_the_scan_is_sent_once_and_what_was_found_in_it_is_known(engine) -> None:
    first = engine.submit(b"a scan", options={"remember": "a mandible"})
    assert engine.wait_for_end(first)["receipt"]["known"] is None

    answer = again(engine, first).raise_for_status().json()
    assert answer["presignedUploadUrl"] == {}
    result = engine.wait_for_end(answer["jobId"])

    assert engine.http.get(result["outputFiles"]["meshes"][0]["url"]).content == b"solid a scan"
    assert result["receipt"]["known"] == "a mandible"
    record = engine.http.get(f"/26.11/jobs/{answer['jobId']}").json()
    source = engine.http.get(f"/26.11/jobs/{first}").json()
    assert record["inputFiles"][0]["sha256"] == source["inputFiles"][0]["sha256"]
    assert record["inputFiles"][0]["extension"] == ".dcm"

    # The copy is the second job's own: it outlives the first, whose findings go with it.
    engine.http.delete(f"/26.11/jobs/{first}").raise_for_status()
    assert findings_in_store(engine) == []
    third = engine.wait_for_end(again(engine, answer["jobId"]).raise_for_status().json()["jobId"])
    assert (third["success"], third["receipt"]["known"]) == (True, None)


def test_the_same_file_sent_again_is_known_too(engine) -> None:
    engine.wait_for_end(engine.submit(b"another scan", options={"remember": "a skull"}))

    assert engine.wait_for_end(engine.submit(b"another scan"))["receipt"]["known"] == "a skull"
    assert engine.wait_for_end(engine.submit(b"a third scan"))["receipt"]["known"] is None


def test_findings_go_with_their_upload_and_a_copy_cannot_be_had_any_more(engine) -> None:
    first = engine.submit(b"an old scan", options={"remember": "something"})
    engine.wait_for_end(first)
    assert any(first in key for key in findings_in_store(engine))
    with engine.database.transaction() as session:
        session.execute(update(Job).where(Job.id == first).values(ended_at=datetime.now(UTC) - timedelta(hours=25)))

    store = ObjectStore.open("", engine.folder / "data" / "objects")
    asyncio.run(clean(Cleaner(engine.database, store, Limits(upload_hours=24, result_hours=168))))

    assert not any(first in key for key in findings_in_store(engine))
    answer = again(engine, first)
    assert (answer.status_code, answer.json()["code"]) == (410, "input_expired")
