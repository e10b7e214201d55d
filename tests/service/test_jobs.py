"""Whole jobs, through the API and a worker."""

import time

import pytest


@pytest.fixture(scope="module")
def engine(start_engine):
    started = start_engine(job_memory_mb=2000, job_minutes=1)
    started.worker = started.start_worker()
    return started


def test_a_job_over_http(engine) -> None:
    assert engine.http.get("/health/ready").json() == {"status": "ready", "missing": []}
    content = bytes(range(256)) * 4000
    meshes = [{"extension": "STL", "structures": [name]} for name in ("mandible", "soft_tissue")]

    result = engine.wait_for_end(engine.submit(content, outputFiles={"meshes": meshes}))

    assert result["success"] is True
    found, missing = result["outputFiles"]["meshes"]
    assert (found["status"], found["size"], found["extension"]) == ("Available", len(content) + 6, "STL")
    assert found["structures"] == ["mandible"]
    assert found["url"] == found["downloadUrl"]
    assert engine.http.get(found["url"], headers={"Authorization": ""}).content == b"solid " + content
    assert (missing["status"], missing["url"], missing["size"]) == ("Missing", None, 0)
    assert missing["reason"]["code"] == "not_in_field_of_view"
    assert result["coordinateSystem"] == {"frame": "LPS", "unit": "mm"}
    assert result["region"] == result["receipt"]["region"] == "local"
    assert result["warnings"] == [{"code": "stand_in", "detail": "Nothing was computed."}]


def test_progress_is_told(engine) -> None:
    job_id = engine.submit(options={"secondsPerStage": 0.7})

    seen = [engine.wait_for_stage(job_id, stage) for stage in ("read", "segment", "write")]

    assert [each["status"] for each in seen] == ["PROCESSING"] * 3
    assert [each["state"] for each in seen] == ["running"] * 3
    assert [each["progress"] for each in seen] == [0.0, 0.4, 0.8]
    engine.wait_for_end(job_id)


def test_outputs_are_there_one_by_one(engine) -> None:
    meshes = [{"extension": ".stl", "structures": [name]} for name in ("mandible", "skull")]
    job_id = engine.submit(options={"secondsPerOutput": 1.5}, outputFiles={"meshes": meshes})

    def first_of_two():
        first, second = engine.poll(job_id).json()["outputFiles"]["meshes"]
        return first["status"] and (first, second)

    first, second = engine.wait(first_of_two, "first output")
    assert engine.http.get(first["url"]).content == b"solid scan"
    assert (second["status"], second["url"]) == (None, None)

    result = engine.wait_for_end(job_id)
    assert [mesh["status"] for mesh in result["outputFiles"]["meshes"]] == ["Available"] * 2
    assert len([key for key in engine.objects() if job_id in key and "/attempts/" in key]) == 2


def test_a_child_does_not_know_the_secrets(engine) -> None:
    environment = engine.wait_for_end(engine.submit())["receipt"]["environment"]

    assert {"GNATHOS_THREADS", "GNATHOS_MAX_UNPACKED_MB", "TMPDIR"} <= set(environment)
    assert not {"GNATHOS_DATABASE_URL", "GNATHOS_STORE_URL"} & set(environment)


def test_a_scan_that_cannot_be_read_ends_the_job_at_once(engine) -> None:
    began = time.monotonic()
    result = engine.wait_for_end(engine.submit(options={"unreadable": True}))

    assert time.monotonic() - began < 5
    assert (result["success"], result["state"]) == (False, "failed")
    assert result["error"]["code"] == "scan_unreadable"
    assert [mesh["status"] for mesh in result["outputFiles"]["meshes"]] == ["Failed"]
    assert result["outputFiles"]["meshes"][0]["reason"]["code"] == "scan_unreadable"


def test_the_queue_is_quick(engine) -> None:
    engine.wait_for_end(engine.submit())
    began = time.monotonic()
    engine.wait_for_end(engine.submit())

    assert time.monotonic() - began < 2


def test_nothing_is_left_in_the_scratch_folder(engine) -> None:
    engine.wait_for_end(engine.submit())

    time.sleep(0.3)
    assert list((engine.folder / "data" / "scratch").glob("*/*")) == []


def test_logs_hold_no_secrets(engine) -> None:
    engine.wait_for_end(engine.submit())

    logs = engine.logs()
    assert "signature=" not in logs
    assert "Bearer" not in logs
    assert "/{version}/uploads/{tenant_id}/{job_id}/{key} 200" in logs


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("memory", "more memory than it may use"),
        ("signal", "killed by signal 9"),
        ("no result", "without a result"),
        ("flood", "ended with code 3"),
    ],
)
def test_a_job_that_always_crashes_is_given_up(start_engine, how: str, said: str) -> None:
    engine = start_engine(job_attempts=2, job_memory_mb=1000)
    engine.start_worker()

    result = engine.wait_for_end(engine.submit(options={"crashIn": "mesh", "crash": how}))

    assert result["success"] is False
    assert result["error"]["code"] == "attempt_crashed"
    assert said in result["error"]["detail"]
    assert "after 2 attempts" in result["error"]["detail"]
    assert [key for key in engine.objects() if "/attempts/" in key] == []
    engine.stop()
