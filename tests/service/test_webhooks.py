"""Results that are sent without being asked for."""

import base64
import hashlib
import hmac
import json
import socket
import time
import uuid
from contextlib import closing

import pytest
from tests.service.conftest import BODY

from gnathos.jobs.credentials import create_client
from gnathos.transfers.webhooks import ANSWER_S

MANY = 16
"""Messages: more than one worker would send at once."""


@pytest.fixture(scope="module")
def engine(start_engine):
    started = start_engine(allowed_networks="127.0.0.0/8")
    started.start_worker()
    return started


def is_signed(seen, secret: str) -> bool:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{seen.headers['webhook-id']}.{seen.headers['webhook-timestamp']}.".encode() + seen.body
    expected = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    return f"v1,{expected}" in seen.headers["webhook-signature"].split(" ")


def deliveries(engine, state: str) -> list[dict]:
    return engine.http.get("/26.11/webhooks/deliveries", params={"state": state}).json()["deliveries"]


def without_signatures(result: dict) -> dict:
    for mesh in result["outputFiles"]["meshes"]:
        for key in ("url", "downloadUrl"):
            mesh[key] = mesh[key].partition("?")[0]
    return result


def test_the_same_json_as_polling_signed_and_tried_again(engine, web_server) -> None:
    (old,) = engine.http.get("/26.11/webhooks/keys").json()["keys"]
    new, _ = engine.http.post("/26.11/webhooks/keys/rotate").json()["keys"]
    web_server.statuses = [503]

    job_id = engine.submit(finishWebhook=f"{web_server.url}/hook")
    ended = engine.wait_for_end(job_id)
    ended_at = time.monotonic()
    first = engine.wait(lambda: web_server.requests and web_server.requests[0], "first try")
    print(f"sent {time.monotonic() - ended_at:.2f} s after the poll saw the end")
    second = engine.wait(lambda: len(web_server.requests) > 1 and web_server.requests[1], "second try", 20)

    for seen in (first, second):
        assert (seen.method, seen.path) == ("POST", "/hook")
        assert is_signed(seen, old["secret"])
        assert is_signed(seen, new["secret"])
        assert without_signatures(json.loads(seen.body)) == without_signatures(ended)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    url = engine.poll(job_id).json()["outputFiles"]["meshes"][0]["url"]
    assert json.loads(second.body)["outputFiles"]["meshes"][0]["url"].split("?")[0] == url.split("?")[0]
    sent = engine.wait(
        lambda: engine.http.get("/26.11/webhooks/deliveries?state=delivered").json()["deliveries"], "end"
    )
    assert (sent[0]["jobId"], sent[0]["tries"], sent[0]["lastStatus"]) == (job_id, 2, 204)


def test_a_message_that_nobody_wants_can_be_sent_again(engine, web_server) -> None:
    web_server.statuses = [410]
    job_id = engine.submit(finishWebhook=f"{web_server.url}/gone?token=secret", options={"unreadable": True})

    (dead,) = engine.wait(
        lambda: engine.http.get("/26.11/webhooks/deliveries?state=dead").json()["deliveries"], "death"
    )
    assert (dead["jobId"], dead["lastStatus"], dead["url"]) == (job_id, 410, f"{web_server.url}/gone")
    again = engine.http.post(f"/26.11/webhooks/deliveries/{dead['id']}/resend")
    assert again.json()["state"] == "pending"
    engine.wait(lambda: len(web_server.requests) == 2, "second try")
    assert [seen.headers["webhook-id"] for seen in web_server.requests] == [dead["id"]] * 2
    assert json.loads(web_server.requests[1].body)["success"] is False


def test_a_receiver_that_never_answers_holds_up_no_other_tenant(engine, web_server) -> None:
    with engine.database.transaction() as session:
        stuck = create_client(session, f"tenant {uuid.uuid4()}")
    with socket.create_server(("127.0.0.1", 0)) as silent, closing(engine.client_of(*stuck)) as http:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/hook"
        for _ in range(MANY):
            job_id = http.post("/24.06/job", json={**BODY, "finishWebhook": url}).raise_for_status().json()["jobId"]
            http.post(f"/24.06/jobs/{job_id}/cancel").raise_for_status()
        silent.accept()[0].close()
        began = time.monotonic()
        job_id = engine.http.post("/24.06/job", json={**BODY, "finishWebhook": f"{web_server.url}/hook"}).json()[
            "jobId"
        ]
        engine.http.post(f"/24.06/jobs/{job_id}/cancel").raise_for_status()
        engine.wait(lambda: web_server.requests, "message", ANSWER_S)

        assert time.monotonic() - began < ANSWER_S / 2


def test_a_test_call(engine, web_server) -> None:
    (key, *_) = engine.http.get("/26.11/webhooks/keys").json()["keys"]

    answer = engine.http.post("/26.11/webhooks/test", json={"url": f"{web_server.url}/hook"}).json()
    web_server.statuses = [500]
    failed = engine.http.post("/26.11/webhooks/test", json={"url": f"{web_server.url}/hook"}).json()
    refused = engine.http.post("/26.11/webhooks/test", json={"url": "http://10.0.0.1/hook"})

    assert answer == {"delivered": True, "status": 204, "error": None}
    assert failed == {"delivered": False, "status": 500, "error": "The answer was 500."}
    assert is_signed(web_server.requests[0], key["secret"])
    assert json.loads(web_server.requests[0].body)["test"] is True
    assert (refused.status_code, refused.json()["code"]) == (400, "url_refused")
    assert engine.http.post("/26.11/webhooks/test", json=[]).json()["code"] == "request_invalid"
