"""Whatever is killed, whenever: the job ends once, with one result. Real processes, the real pipeline."""

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pydicom
import pytest
from tests.engine import RunningEngine
from tests.processes import command_of, descendants_of, find_under, wait_for

from gnathos.cli.mesh_check import facts_of_stl
from gnathos.client import Engine

ROLES = {
    "child": "-m gnathos.pipeline",
    "worker": "-m gnathos.worker",
    "api": "-m gnathos.api",
    "postgres": "bin/postgres -D",
}
"""Words of their command lines."""


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    """An engine that may be killed; every test leaves it running."""
    engine = RunningEngine(tmp_path_factory.mktemp("mortal") / "data")
    engine.start()
    yield engine
    assert engine.stop() == 0


def begin_job(client: Engine, small_scan: Path, folder: Path) -> str:
    """A job on a scan that was not seen before: what was found in one would be known."""
    dataset = pydicom.dcmread(small_scan)
    dataset.SeriesDescription = str(uuid.uuid4())
    scan = folder / "scan.dcm"
    dataset.save_as(scan)
    outputs = {"meshes": [{"extension": ".stl", "structures": ["mandible"]}]}
    job = client.submit({"cbct": {"extension": ".dcm"}}, outputs)
    client.upload(job.uploads["cbct"].url, scan)
    client.notify(job.uploads["cbct"].notify_url)
    return job.id


def wait_for_stage(engine: RunningEngine, job_id: str, stage: str) -> None:
    headers = {"Authorization": f"Bearer {engine.token()}"}

    def there() -> bool | None:
        url = f"{engine.url}/26.11/pollJobResults"
        answer = httpx2.get(url, params={"jobId": job_id}, headers=headers).json()
        assert "success" not in answer, f"the job ended before it was seen in {stage}"
        return True if answer["stage"] == stage else None

    wait_for(there, f"job in stage {stage}")


def pid_of(engine: RunningEngine, role: str) -> int:
    assert engine.process is not None
    supervisor = engine.process.pid
    return wait_for(lambda: find_under(supervisor, ROLES[role]), role)


def check_ends_once(engine: RunningEngine, job_id: str, folder: Path) -> None:
    client = engine.client()
    result = client.wait(job_id, timeout_s=120)
    assert result["success"] is True, result
    path = folder / "mandible.stl"
    path.write_bytes(httpx2.get(result["outputFiles"]["meshes"][0]["url"]).raise_for_status().content)
    assert facts_of_stl(path).is_watertight

    again = client.poll(job_id)
    assert again is not None
    assert again["endedAt"] == result["endedAt"]
    assert [mesh["sha256"] for mesh in again["outputFiles"]["meshes"]] == [
        mesh["sha256"] for mesh in result["outputFiles"]["meshes"]
    ]
    wait_for(lambda: True if engine.is_ready() else None, "engine that is ready again")


@pytest.mark.parametrize("role", ROLES)
def test_a_killed_role_costs_an_attempt_and_no_job(
    role: str, mortal: RunningEngine, small_scan: Path, tmp_path: Path
) -> None:
    job_id = begin_job(mortal.client(), small_scan, tmp_path)
    wait_for_stage(mortal, job_id, "segment")
    killed = pid_of(mortal, role)
    os.kill(killed, signal.SIGKILL)

    check_ends_once(mortal, job_id, tmp_path)
    assert killed not in descendants_of(mortal.process.pid if mortal.process else 0)


@pytest.mark.parametrize("role", ["worker", "api", "postgres"])
def test_a_role_killed_right_after_the_notification_loses_nothing(
    role: str, mortal: RunningEngine, small_scan: Path, tmp_path: Path
) -> None:
    job_id = begin_job(mortal.client(), small_scan, tmp_path)
    os.kill(pid_of(mortal, role), signal.SIGKILL)

    check_ends_once(mortal, job_id, tmp_path)


def test_a_killed_supervisor_leaves_no_process_and_the_next_start_goes_on(
    mortal: RunningEngine, small_scan: Path, tmp_path: Path
) -> None:
    client_id = mortal.credentials["client_id"]
    job_id = begin_job(mortal.client(), small_scan, tmp_path)
    wait_for_stage(mortal, job_id, "segment")
    assert mortal.process is not None
    left = descendants_of(mortal.process.pid)
    assert len(left) >= len(ROLES)

    mortal.kill()
    wait_for(lambda: None if any(command_of(pid) for pid in left) else True, "end of every process", 15)
    mortal.start()

    assert mortal.credentials["client_id"] == client_id
    check_ends_once(mortal, job_id, tmp_path)


def test_a_stopped_engine_goes_on_where_it_stopped(mortal: RunningEngine, small_scan: Path, tmp_path: Path) -> None:
    job_id = begin_job(mortal.client(), small_scan, tmp_path)
    wait_for_stage(mortal, job_id, "segment")
    assert mortal.process is not None
    left = descendants_of(mortal.process.pid)

    assert mortal.stop() == 0
    assert not any(command_of(pid) for pid in left)
    mortal.start()

    check_ends_once(mortal, job_id, tmp_path)
