"""URLs whose names lead where none may: taken with the job, refused by a worker when it would connect."""

import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.service.conftest import HERE
from tests.web_server import running_web_server

SCAN = bytes(range(256)) * 20_000
MESH = {"extension": ".stl", "structures": ["mandible"]}


@pytest.fixture(scope="module")
def engine(start_engine):
    started = start_engine(allowed_networks="127.0.0.2/32")
    started.worker = started.start_worker(HERE / "worker_with_changing_names.py")
    return started


@contextmanager
def nobody_connects() -> Iterator[int]:
    """A port that listens at every address of this machine; no connection waits there at the end."""
    with socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        yield listener.getsockname()[1]
        assert select.select([listener], [], [], 0.5)[0] == []


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST"])
def test_a_name_of_this_machine(engine, name: str) -> None:
    with nobody_connects() as port:
        given = {"extension": ".dcm", "downloadUrl": f"http://{name}:{port}/scan.dcm"}
        answer = engine.http.post("/26.11/job", json={"inputFiles": {"cbct": given}, "outputFiles": {"meshes": [MESH]}})
        result = engine.wait_for_end(answer.raise_for_status().json()["jobId"], 30)

    assert (result["success"], result["state"], result["error"]["code"]) == (False, "failed", "url_refused")


def test_an_output_and_a_webhook_to_a_name_of_this_machine(engine) -> None:
    with nobody_connects() as port:
        mesh = {**MESH, "uploadUrl": f"http://localhost:{port}/mesh.stl"}
        job_id = engine.submit(outputFiles={"meshes": [mesh]}, finishWebhook=f"http://localhost:{port}/hook")
        result = engine.wait_for_end(job_id)
        dead = engine.wait(lambda: messages(engine, job_id, "dead"), "dead message")

    (found,) = result["outputFiles"]["meshes"]
    assert (result["success"], found["status"], found["delivery"]["status"]) == (True, "Available", "Failed")
    assert found["delivery"]["reason"]["code"] == "url_refused"
    assert [(each["tries"], each["lastStatus"]) for each in dead] == [(1, None)]
    assert "not public" in dead[0]["lastError"]


def messages(engine, job_id: str, state: str) -> list[dict]:
    found = engine.http.get("/26.11/webhooks/deliveries", params={"state": state}).json()["deliveries"]
    return [each for each in found if each["jobId"] == job_id]


def test_a_name_that_leads_elsewhere_when_the_transfer_goes_on(engine) -> None:
    with running_web_server("127.0.0.2") as allowed, socket.create_server(("127.0.0.1", allowed.port)) as refused:
        allowed.files["/scan.dcm"] = SCAN
        allowed.drop_after = [1_000_000]
        given = {"extension": ".dcm", "downloadUrl": f"http://changing.test:{allowed.port}/scan.dcm"}
        answer = engine.http.post("/26.11/job", json={"inputFiles": {"cbct": given}, "outputFiles": {"meshes": [MESH]}})
        result = engine.wait_for_end(answer.raise_for_status().json()["jobId"], 30)
        assert select.select([refused], [], [], 0.5)[0] == []

    assert [seen.method for seen in allowed.requests] == ["GET"]
    assert (result["success"], result["error"]["code"]) == (False, "url_refused")
