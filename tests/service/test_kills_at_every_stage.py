"""Jobs at every stage at once, and something is killed: each ends once, with one result."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.web_server import WebServer, running_web_server

IN_CHILD = ("read", "check", "segment", "mesh", "write")
RUNNING = (*IN_CHILD, "deliver")
"""Stages of jobs that have a worker."""


class Crowd:
    """A job at each stage, held there until released."""

    def __init__(self, engine, web: WebServer, hold: Path) -> None:
        self.engine, self.web, self.hold = engine, web, hold
        hold.touch()
        web.gate.clear()
        web.files["/scan.dcm"] = b"scan"
        web.held = ("/scan.dcm", "/mesh.stl")
        self.jobs = {stage: engine.submit(options={"holdIn": stage, "holdWhile": str(hold)}) for stage in IN_CHILD}
        self.jobs["deliver"] = self._submit(mesh={"uploadUrl": f"{web.url}/mesh.stl"})
        self._wait_for(RUNNING)
        self.jobs["queue"] = engine.submit()
        self.jobs["fetch"] = self._submit(scan={"downloadUrl": f"{web.url}/scan.dcm"})
        self.jobs["upload"] = self._submit(is_uploaded=False)
        self._wait_for(self.jobs)

    def release(self) -> None:
        self.hold.unlink()
        self.web.gate.set()

    def check_each_ended_once(self) -> dict[str, int]:
        """The number of the attempt that gave the result, by stage."""
        self.engine.wait(lambda: self._upload(self.jobs["upload"]), "upload")
        return {stage: self._check_ended_once(job_id) for stage, job_id in self.jobs.items()}

    def _check_ended_once(self, job_id: str) -> int:
        result = self.engine.wait_for_end(job_id, 90)
        assert result["success"] is True
        mesh = result["outputFiles"]["meshes"][0]
        assert self.engine.http.get(mesh["url"]).content == b"solid scan"
        (kept,) = [key for key in self.engine.objects() if job_id in key and "/attempts/" in key]
        record = self.engine.http.get(f"/26.11/jobs/{job_id}").json()
        assert kept.split("/attempts/")[1].split("/")[0] == str(record["attempt"])
        return int(record["attempt"])

    def _submit(self, scan=None, mesh=None, is_uploaded: bool = True) -> str:
        outputs = {"meshes": [{"extension": ".stl", "structures": ["mandible"], **(mesh or {})}]}
        body = {"inputFiles": {"cbct": {"extension": ".dcm", **(scan or {})}}, "outputFiles": outputs}
        answer = self.engine.http.post("/26.11/job", json=body).raise_for_status().json()
        self._urls = answer["presignedUploadUrl"].get("cbct")
        if is_uploaded and self._urls:
            assert self._upload(answer["jobId"])
        return answer["jobId"]

    def _upload(self, job_id: str) -> bool:
        sent = self.engine.http.put(self._urls["uploadUrl"], content=b"scan")
        done = self.engine.http.put(self._urls["notifyUrl"])
        return sent.status_code in {200, 409} and done.status_code == 200

    def _wait_for(self, stages) -> None:
        for stage in stages:
            self.engine.wait_for_stage(self.jobs[stage], stage)


@pytest.fixture(scope="module")
def engine(start_engine):
    started = start_engine(allowed_networks="127.0.0.0/8")
    started.workers = [started.start_worker() for _ in RUNNING]
    return started


@pytest.fixture
def crowd(engine, tmp_path) -> Iterator[Crowd]:
    with running_web_server() as web:
        yield Crowd(engine, web, tmp_path / "hold")


def test_every_child_is_killed(crowd) -> None:
    children = [child for worker in crowd.engine.workers for child in crowd.engine.children(worker)]
    for child in children:
        child.kill()
    psutil.wait_procs(children, timeout=10)
    crowd.release()

    attempts = crowd.check_each_ended_once()
    assert attempts == dict.fromkeys(IN_CHILD, 2) | {"deliver": 1, "queue": 1, "fetch": 1, "upload": 1}


def test_every_worker_is_killed(crowd) -> None:
    children = [child for worker in crowd.engine.workers for child in crowd.engine.children(worker)]
    for worker in crowd.engine.workers:
        worker.signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    crowd.release()

    attempts = crowd.check_each_ended_once()
    assert attempts == dict.fromkeys(RUNNING, 2) | {"queue": 1, "fetch": 1, "upload": 1}


def test_the_api_is_killed(crowd) -> None:
    crowd.engine.api.signal(signal.SIGKILL)
    crowd.engine.wait(lambda: crowd.engine.http.get("/health/ready").status_code == 200, "API")
    crowd.release()

    assert set(crowd.check_each_ended_once().values()) == {1}


def test_postgres_is_killed(crowd, mortal_postgres) -> None:
    mortal_postgres.kill()
    answer = crowd.engine.poll(crowd.jobs["segment"])
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert crowd.engine.http.get("/health/ready").json()["missing"] == ["database", "worker"]
    assert crowd.engine.http.get("/health/live").status_code == 200
    time.sleep(1)
    mortal_postgres.start()
    crowd.release()

    assert set(crowd.check_each_ended_once().values()) <= {1, 2, 3}
