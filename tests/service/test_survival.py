"""Nothing is lost: whatever is killed, a job ends once, with one result."""

import contextlib
import signal
import time

import httpx2
import psutil
import pytest

SLOW = {"secondsPerStage": 1.0}


@pytest.fixture
def engine(start_engine):
    started = start_engine()
    started.worker = started.start_worker()
    yield started
    started.stop()


def attempts_in_store(engine) -> list[str]:
    return [key.split("/attempts/")[1].split("/")[0] for key in engine.objects() if "/attempts/" in key]


def assert_one_result(engine, result, attempt: str) -> None:
    assert result["success"] is True
    mesh = result["outputFiles"]["meshes"][0]
    assert engine.http.get(mesh["url"]).content == b"solid scan"
    assert attempts_in_store(engine) == [attempt]


def test_a_worker_that_is_told_to_stop_gives_its_job_back(engine) -> None:
    job_id = engine.submit(options=SLOW)
    engine.wait_for_stage(job_id, "segment")
    (child,) = engine.children(engine.worker)
    old = engine.worker.process
    told_at = time.monotonic()
    engine.worker.signal(signal.SIGTERM)
    assert old.wait(timeout=10) == 0
    assert time.monotonic() - told_at < 3
    assert not child.is_running()

    engine.wait_for_stage(job_id, "read")
    assert time.monotonic() - told_at < 8
    result = engine.wait_for_end(job_id)
    assert_one_result(engine, result, "2")
    assert "its worker is gone" not in engine.logs()


def test_the_api_is_killed_while_a_scan_is_uploaded(engine) -> None:
    body = {
        "inputFiles": {"cbct": {"extension": "dcm"}},
        "outputFiles": {"meshes": [{"extension": "stl", "structures": ["mandible"]}]},
    }
    answer = engine.http.post("/24.06/job", json=body).json()
    urls = answer["presignedUploadUrl"]["cbct"]

    def half_a_scan():
        yield bytes(8_000_000)
        engine.api.signal(signal.SIGKILL)
        time.sleep(0.2)
        yield bytes(8_000_000)

    with pytest.raises(httpx2.TransportError):
        engine.http.put(urls["uploadUrl"], content=half_a_scan())
    engine.wait(lambda: engine.http.get("/health/live").status_code == 200, "API")

    assert engine.http.head(urls["uploadUrl"]).status_code == 404
    assert engine.http.put(urls["notifyUrl"]).json()["code"] == "upload_missing"
    assert engine.http.put(urls["uploadUrl"], content=b"scan").status_code == 200
    assert engine.http.put(urls["notifyUrl"]).status_code == 200
    assert_one_result(engine, engine.wait_for_end(answer["jobId"]), "1")


def test_a_broken_upload_leaves_nothing(engine) -> None:
    answer = engine.http.post(
        "/24.06/job",
        json={
            "inputFiles": {"cbct": {"extension": "dcm"}},
            "outputFiles": {"meshes": [{"extension": "stl", "structures": ["mandible"]}]},
        },
    ).json()
    urls = answer["presignedUploadUrl"]["cbct"]

    def breaks():
        yield bytes(12_000_000)
        raise RuntimeError("cable pulled")

    for headers in ({}, {"Content-Length": "40000000"}):
        with pytest.raises(RuntimeError, match="cable"):
            engine.http.put(urls["uploadUrl"], content=breaks(), headers=headers)
    assert engine.http.head(urls["uploadUrl"]).status_code == 404
    engine.wait(lambda: [key for key in engine.objects() if "/inputs/" in key] == [] or None, "cleaning", 5)


def test_a_worker_that_was_held_up_changes_nothing(engine) -> None:
    job_id = engine.submit(options=SLOW)
    engine.wait_for_stage(job_id, "read")
    held_up = engine.worker
    (child,) = engine.children(held_up)
    held_up.signal(signal.SIGSTOP)
    engine.start_worker()
    engine.wait_for_stage(job_id, "segment")  # of the second attempt
    assert engine.poll(job_id).json()["attempt"] == 2
    held_up.signal(signal.SIGCONT)

    assert_one_result(engine, engine.wait_for_end(job_id), "2")
    with contextlib.suppress(psutil.NoSuchProcess):
        child.wait(timeout=5)
    time.sleep(1.5)
    assert attempts_in_store(engine) == ["2"]
    assert engine.wait_for_end(engine.submit())["success"] is True
