"""The client through what goes wrong on the way: lost connections, asked-for patience, tokens that end."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.client.server import Answer, scripted_server

from gnathos.client import Engine
from gnathos.client.transport import retry_after_s
from gnathos.errors import EngineNotReachable, EngineRefused

TOKEN = Answer(200, {"access_token": "first", "expires_in": 86400})
OTHER_TOKEN = Answer(200, {"access_token": "second", "expires_in": 86400})
POLL = "GET /26.11/pollJobResults"
SUBMIT = "POST /26.11/job"
DONE = Answer(200, {"success": True, "outputFiles": {"meshes": []}})
SUBMITTED = Answer(
    200,
    {
        "jobId": "job",
        "presignedUploadUrl": {"cbct": {"presignedUploadUrl": "http://up", "notifyFinishUploadUrl": "http://told"}},
    },
)
AT_ONCE = {"Retry-After": "0"}


opened: list[Engine] = []


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("gnathos.client.transport.LONGEST_PAUSE_S", 0.0)
    yield
    while opened:
        opened.pop().close()


def answers(**calls: list[Answer]) -> dict[str, list[Answer]]:
    return {"POST /oauth/token": [TOKEN, OTHER_TOKEN]} | {
        {"poll": POLL, "submit": SUBMIT, "upload": "PUT /upload", "download": "GET /mesh"}[name]: each
        for name, each in calls.items()
    }


def client(url: str) -> Engine:
    engine = Engine(url, "me", "secret")
    opened.append(engine)
    return engine


def test_a_token_is_used_again_until_it_is_refused() -> None:
    with scripted_server(answers(poll=[DONE, Answer(401, {"code": "token_expired"}), DONE])) as (url, script):
        engine = client(url)
        for _ in range(2):
            engine.poll("job")

    tokens = [headers["Authorization"] for call, headers, _ in script.requests if call == POLL]
    assert tokens == ["Bearer first", "Bearer first", "Bearer second"]
    grant = json.loads(script.requests[0][2])
    assert grant == {
        "grant_type": "client_credentials",
        "client_id": "me",
        "client_secret": "secret",
        "audience": "virtualpatientengine.com",
    }


def test_a_token_about_to_end_is_renewed() -> None:
    short = Answer(200, {"access_token": "short", "expires_in": 30})
    with scripted_server({"POST /oauth/token": [short, TOKEN], POLL: [DONE]}) as (url, script):
        engine = client(url)
        engine.poll("job")
        engine.poll("job")

    assert [headers["Authorization"] for call, headers, _ in script.requests if call == POLL] == [
        "Bearer short",
        "Bearer first",
    ]


@pytest.mark.parametrize("trouble", [Answer(0), Answer(503, {}, AT_ONCE), Answer(429, {}, AT_ONCE), Answer(502, b"")])
def test_a_call_is_repeated_where_that_can_help(trouble: Answer) -> None:
    with scripted_server(answers(poll=[trouble, trouble, DONE])) as (url, script):
        assert client(url).poll("job") == DONE.body

    assert script.calls().count(POLL) == 3


def test_a_submission_is_repeated_under_one_key() -> None:
    with scripted_server(answers(submit=[Answer(0), SUBMITTED])) as (url, script):
        job = client(url).submit({"cbct": {"extension": ".dcm"}}, {"meshes": []}, {"mandible": {}})

    sent = [(headers["Idempotency-Key"], json.loads(body)) for call, headers, body in script.requests if call == SUBMIT]
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert sent[0][1]["options"] == {"mandible": {}}
    assert (job.id, job.uploads["cbct"].url, job.uploads["cbct"].notify_url) == ("job", "http://up", "http://told")


def test_a_refusal_is_told_in_the_engines_words() -> None:
    problem = {"code": "unknown_structure", "detail": "No structure is called 'x'.", "remedy": "Use another."}
    with (
        scripted_server(answers(submit=[Answer(400, problem)])) as (url, script),
        pytest.raises(EngineRefused, match=r"unknown_structure.*No structure is called 'x'") as refused,
    ):
        client(url).submit({}, {})

    assert refused.value.advice == "Use another."
    assert script.calls().count(SUBMIT) == 1


def test_an_engine_that_is_not_there_is_told_in_a_sentence() -> None:
    with pytest.raises(EngineNotReachable, match="cannot be reached"):
        client("http://127.0.0.1:9").poll("job")


def test_an_upload_streams_with_its_length_and_tells_how_far_it_is(tmp_path: Path) -> None:
    scan = tmp_path / "scan.dcm"
    scan.write_bytes(bytes(3 << 20))
    fractions: list[float] = []
    with scripted_server(answers(upload=[Answer(0), Answer(200, {})])) as (url, script):
        client(url).upload(f"{url}/upload", scan, fractions.append)

    _, headers, body = script.requests[-1]
    assert len(body) == 3 << 20
    assert headers["Content-Length"] == str(3 << 20)
    assert "Authorization" not in headers
    assert fractions[-1] == 1.0


def test_a_download_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    cut = Answer(200, b"half", {"Content-Length": "1000"})
    with scripted_server(answers(download=[cut])) as (url, _), pytest.raises(EngineNotReachable):
        client(url).download(f"{url}/mesh", tmp_path / "mesh.stl")
    assert list(tmp_path.iterdir()) == []

    with scripted_server(answers(download=[cut, Answer(200, b"whole")])) as (url, _):
        client(url).download(f"{url}/mesh", tmp_path / "mesh.stl")
    assert (tmp_path / "mesh.stl").read_bytes() == b"whole"


def test_waiting_tells_the_stages_and_stops_at_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gnathos.client.engine.POLL_INTERVAL_S", 0.0)
    states: list[Mapping[str, Any]] = [
        {"status": "waiting", "stage": "queue", "progress": 0.0},
        {"status": "running", "stage": "mesh", "progress": 0.7},
    ]
    seen: list[tuple[str, float]] = []
    with scripted_server(answers(poll=[*(Answer(202, state) for state in states), DONE])) as (url, _):
        result = client(url).wait("job", lambda each: seen.append((each.stage, each.fraction)))

    assert result == DONE.body
    assert seen == [("queue", 0.0), ("mesh", 0.7)]


@pytest.mark.parametrize(("given", "expected"), [("7", 7.0), ("90", 30.0), ("", 1.5), ("soon", 1.5)])
def test_the_pause_is_the_one_that_was_asked_for(given: str, expected: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gnathos.client.transport.LONGEST_PAUSE_S", 30.0)
    assert retry_after_s(httpx2.Response(503, headers={"Retry-After": given}), 1.5) == expected
