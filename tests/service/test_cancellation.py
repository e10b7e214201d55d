"""Jobs that are cancelled, deleted and watched while they run."""

import json
import time

import psutil
import pytest

SLOW = {"secondsPerStage": 1.0}


@pytest.fixture(scope="module")
def engine(start_engine):
    started = start_engine()
    started.worker = started.start_worker()
    return started


@pytest.mark.parametrize(("method", "path"), [("POST", "/cancel"), ("DELETE", "")])
def test_the_computation_is_killed_within_two_seconds(engine, method: str, path: str) -> None:
    job_id = engine.submit(options={"secondsPerStage": 30})
    engine.wait_for_stage(job_id, "read")
    (child,) = engine.children(engine.worker)

    began = time.monotonic()
    answer = engine.http.request(method, f"/26.11/jobs/{job_id}{path}")
    psutil.wait_procs([child], timeout=10)
    seconds = time.monotonic() - began

    print(f"killed after {seconds:.2f} s")
    assert answer.json()["state"] == "cancelled"
    assert not child.is_running()
    assert seconds < 2
    assert engine.wait_for_end(engine.submit())["success"] is True
    assert [key for key in engine.objects() if job_id in key and "/attempts/" in key] == []


def test_every_change_is_an_event(engine) -> None:
    job_id = engine.submit(options=SLOW)
    with engine.http.stream("GET", f"/26.11/jobs/{job_id}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        text = "".join(answer.iter_text())
    parts = [part.partition("\ndata: ") for part in text.split("\n\n") if part.startswith("event: ")]
    events = [(name.removeprefix("event: "), json.loads(content)) for name, _, content in parts]

    names = [name for name, _ in events]
    assert names == ["progress"] * (len(names) - 1) + ["finished"]
    stages = [content["stage"] for _, content in events[:-1]]
    assert [stage for stage in ("read", "segment", "write") if stage in stages] == ["read", "segment", "write"]
    assert events[-1][1] == {**engine.wait_for_end(job_id), "outputFiles": events[-1][1]["outputFiles"]}
