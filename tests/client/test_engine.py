"""The clients through what goes wrong on the way: lost connections, asked-for patience, tokens that end.

Every test runs twice: with the blocking client, and with the asynchronous one.
"""

import asyncio
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.client.server import Answer, scripted_server

from gnathos.client import AsyncEngine, Engine
from gnathos.client import conversation as talk
from gnathos.client.conversation import retry_after_s
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


class Blocked:
    """The asynchronous client, called as the blocking one is."""

    def __init__(self, *given: Any, **more: Any) -> None:
        self._runner = asyncio.Runner()
        self._engine = AsyncEngine(*given, **more)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._engine, name)
        return functools.wraps(method)(lambda *given, **more: self._runner.run(method(*given, **more)))

    def close(self) -> None:
        self._runner.run(self._engine.aclose())
        self._runner.close()


@pytest.fixture(params=[Engine, Blocked], ids=["blocking", "asynchronous"])
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Makes clients, which pause for no time."""
    monkeypatch.setattr("gnathos.client.conversation.LONGEST_PAUSE_S", 0.0)
    monkeypatch.setattr("gnathos.client.calls.SHORTEST_POLL_S", 0.0)
    opened = []

    def make(url: str, **given: Any) -> Any:
        opened.append(request.param(url, "me", "secret", **given))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def answers(**calls: list[Answer]) -> dict[str, list[Answer]]:
    return {"POST /oauth/token": [TOKEN, OTHER_TOKEN]} | {
        {"poll": POLL, "submit": SUBMIT, "upload": "PUT /upload", "download": "GET /mesh"}[name]: each
        for name, each in calls.items()
    }


def test_a_token_is_used_again_until_it_is_refused(client: Callable[..., Any]) -> None:
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


def test_a_token_about_to_end_is_renewed(client: Callable[..., Any]) -> None:
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
def test_a_call_is_repeated_where_that_can_help(client: Callable[..., Any], trouble: Answer) -> None:
    with scripted_server(answers(poll=[trouble, trouble, DONE])) as (url, script):
        assert client(url).poll("job") == DONE.body

    assert script.calls().count(POLL) == 3


def test_a_submission_is_repeated_under_one_key(client: Callable[..., Any]) -> None:
    with scripted_server(answers(submit=[Answer(0), SUBMITTED])) as (url, script):
        job = client(url).submit({"cbct": {"extension": ".dcm"}}, {"meshes": []}, {"mandible": {}})

    sent = [(headers["Idempotency-Key"], json.loads(body)) for call, headers, body in script.requests if call == SUBMIT]
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert sent[0][1]["options"] == {"mandible": {}}
    assert (job.id, job.uploads["cbct"].url, job.uploads["cbct"].notify_url) == ("job", "http://up", "http://told")


def test_a_refusal_is_told_in_the_engines_words(client: Callable[..., Any]) -> None:
    problem = {"code": "unknown_structure", "detail": "No structure is called 'x'.", "remedy": "Use another."}
    with (
        scripted_server(answers(submit=[Answer(400, problem)])) as (url, script),
        pytest.raises(EngineRefused, match=r"unknown_structure.*No structure is called 'x'") as refused,
    ):
        client(url).submit({}, {})

    assert refused.value.advice == "Use another."
    assert (refused.value.status, refused.value.reason) == (400, "unknown_structure")
    assert script.calls().count(SUBMIT) == 1


def test_an_engine_that_is_not_there_is_told_in_a_sentence(client: Callable[..., Any]) -> None:
    with pytest.raises(EngineNotReachable, match="cannot be reached"):
        client("http://127.0.0.1:9").poll("job")


def test_an_upload_streams_with_its_length_and_tells_how_far_it_is(client: Callable[..., Any], tmp_path: Path) -> None:
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


def test_a_large_upload_goes_on_where_it_broke_off(
    client: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gnathos.client.calls.RESUMED_BYTES", 1)
    scan = tmp_path / "scan.dcm"
    scan.write_bytes(bytes(range(100)))
    come = [(404, "0"), (204, "40"), (204, "70")]
    heads = [Answer(status, b"", {"Upload-Offset": offset, "Upload-Complete": "?0"}) for status, offset in come]
    parts = [Answer(0), Answer(503, {}, AT_ONCE), Answer(204, b"")]
    fractions: list[float] = []
    with scripted_server({"HEAD /upload": heads, "PATCH /upload": parts}) as (url, script):
        client(url).upload(f"{url}/upload", scan, fractions.append)

    sent = [(headers["Upload-Offset"], body) for call, headers, body in script.requests if call == "PATCH /upload"]
    assert sent == [("0", bytes(range(100))), ("40", bytes(range(40, 100))), ("70", bytes(range(70, 100)))]
    assert all(headers["Upload-Complete"] == "?1" for call, headers, _ in script.requests if call == "PATCH /upload")
    assert fractions[-1] == 1.0


def test_a_large_upload_whose_last_answer_was_lost_is_not_sent_again(
    client: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gnathos.client.calls.RESUMED_BYTES", 1)
    (tmp_path / "scan.dcm").write_bytes(b"scan")
    heads = [
        Answer(404, b"", {"Upload-Offset": "0", "Upload-Complete": "?0"}),
        Answer(200, b"", {"Upload-Offset": "4", "Upload-Complete": "?1"}),
    ]
    with scripted_server({"HEAD /upload": heads, "PATCH /upload": [Answer(0)]}) as (url, script):
        client(url).upload(f"{url}/upload", tmp_path / "scan.dcm")

    assert script.calls() == ["HEAD /upload", "PATCH /upload", "HEAD /upload"]


def test_a_large_upload_to_an_engine_that_cannot_go_on_is_a_plain_one(
    client: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gnathos.client.calls.RESUMED_BYTES", 1)
    (tmp_path / "scan.dcm").write_bytes(b"scan")
    calls = {"HEAD /upload": [Answer(403, b"")], "PUT /upload": [Answer(200, b"")]}
    with scripted_server(calls) as (url, script):
        client(url).upload(f"{url}/upload", tmp_path / "scan.dcm")

    assert script.calls() == ["HEAD /upload", "PUT /upload"]


def test_a_large_upload_that_gets_nowhere_is_given_up(
    client: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gnathos.client.calls.RESUMED_BYTES", 1)
    (tmp_path / "scan.dcm").write_bytes(b"scan")
    head = Answer(404, b"", {"Upload-Offset": "0", "Upload-Complete": "?0"})
    with (
        scripted_server({"HEAD /upload": [head], "PATCH /upload": [Answer(0)]}) as (url, script),
        pytest.raises(EngineNotReachable),
    ):
        client(url).upload(f"{url}/upload", tmp_path / "scan.dcm")

    assert script.calls().count("PATCH /upload") == talk.ATTEMPTS + 1


def test_a_download_has_its_name_only_when_it_is_whole(client: Callable[..., Any], tmp_path: Path) -> None:
    cut = Answer(200, b"half", {"Content-Length": "1000"})
    with scripted_server(answers(download=[cut])) as (url, _), pytest.raises(EngineNotReachable):
        client(url).download(f"{url}/mesh", tmp_path / "mesh.stl")
    assert list(tmp_path.iterdir()) == []

    with scripted_server(answers(download=[cut, Answer(200, b"whole")])) as (url, _):
        client(url).download(f"{url}/mesh", tmp_path / "mesh.stl")
    assert (tmp_path / "mesh.stl").read_bytes() == b"whole"


def test_waiting_tells_the_stages_and_stops_at_the_result(client: Callable[..., Any]) -> None:
    states: list[Mapping[str, Any]] = [
        {"status": "waiting", "stage": "queue", "progress": 0.0},
        {"status": "running", "stage": "mesh", "progress": 0.7},
    ]
    seen: list[tuple[str, float]] = []
    with scripted_server(answers(poll=[*(Answer(202, state) for state in states), DONE])) as (url, _):
        result = client(url).wait("job", lambda each: seen.append((each.stage, each.fraction)))

    assert result == DONE.body
    assert seen == [("queue", 0.0), ("mesh", 0.7)]


def test_waiting_outlives_an_engine_that_is_away(client: Callable[..., Any]) -> None:
    away = [Answer(0)] * (talk.ATTEMPTS + 2)
    with scripted_server(answers(poll=[*away, DONE])) as (url, _):
        assert client(url).wait("job") == DONE.body


def test_waiting_ends_in_time(client: Callable[..., Any]) -> None:
    with (
        scripted_server(answers(poll=[Answer(202, {})])) as (url, _),
        pytest.raises(TimeoutError, match="no result after 0 s"),
    ):
        client(url).wait("job", timeout_s=0)


def test_a_whole_job_against_an_engine_that_knows_the_contract_alone(
    client: Callable[..., Any], tmp_path: Path
) -> None:
    """Other names of the same keys, a token from elsewhere, an old version, no progress."""
    calls: dict[str, list[Answer]] = {"POST /elsewhere": [TOKEN], "PUT /up": [Answer(200, b"")]}
    with scripted_server(calls) as (url, script):
        uploads = {"cbct": {"uploadUrl": f"{url}/up", "notifyUrl": f"{url}/told"}}
        mesh = {"status": "Available", "extension": ".stl", "structures": ["mandible"], "downloadUrl": f"{url}/mesh"}
        missing = {"status": "Missing", "extension": ".stl", "structures": ["tooth36"]}
        script.answers |= {
            "POST /v2/generic-job": [Answer(200, {"jobId": "job", "presignedUploadUrl": uploads})],
            "PUT /told": [Answer(204, b"")],
            "GET /v2/pollJobResults": [
                Answer(202, {}),
                Answer(200, {"success": True, "outputFiles": {"meshes": [mesh, missing]}}),
            ],
            "GET /mesh": [Answer(200, b"solid")],
        }
        (tmp_path / "scan").mkdir()
        (tmp_path / "scan" / "slice").write_bytes(b"slice")
        engine = client(url, version="v2", token_url=f"{url}/elsewhere")
        result = engine.segment(str(tmp_path / "scan"), ["mandible", "tooth36"], str(tmp_path / "out"))

    assert result["success"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mandible.stl"]
    assert (tmp_path / "out" / "mandible.stl").read_bytes() == b"solid"
    (body,) = [json.loads(body) for call, _, body in script.requests if call == "POST /v2/generic-job"]
    assert body == {
        "inputFiles": {"cbct": {"extension": ".zip"}},
        "outputFiles": {
            "meshes": [{"extension": ".stl", "structures": [name]} for name in ("mandible", "tooth36")],
        },
    }


def test_jobs_are_listed_over_pages(client: Callable[..., Any]) -> None:
    pages = [
        Answer(200, {"jobs": [{"jobId": "a"}, {"jobId": "b"}], "nextCursor": "on"}),
        Answer(200, {"jobs": [{"jobId": "c"}], "nextCursor": None}),
    ]
    with scripted_server({"POST /oauth/token": [TOKEN], "GET /26.11/jobs": pages}) as (url, _):
        assert [job["jobId"] for job in client(url).jobs(["failed"], limit=9)] == ["a", "b", "c"]


def test_what_is_no_url_is_said_at_once(client: Callable[..., Any]) -> None:
    with pytest.raises(EngineNotReachable, match="begins with http"):
        client("engine.example").token()


def test_an_answer_of_something_else_is_told_in_a_sentence(client: Callable[..., Any]) -> None:
    with (
        scripted_server({"POST /oauth/token": [Answer(200, b"<html>")]}) as (url, _),
        pytest.raises(EngineRefused, match="is this the URL of an engine"),
    ):
        client(url).token()


@pytest.mark.parametrize(("given", "expected"), [("7", 7.0), ("90", 30.0), ("", 1.5), ("soon", 1.5)])
def test_the_pause_is_the_one_that_was_asked_for(given: str, expected: float) -> None:
    assert retry_after_s(talk.Answer(503, "", {"retry-after": given}, b""), 1.5) == expected


def test_both_clients_have_the_same_calls() -> None:
    blocking, asynchronous = (
        {name for name in vars(each) if not name.startswith("_") and "close" not in name}
        for each in (Engine, AsyncEngine)
    )

    assert blocking == asynchronous
    assert {"token", "submit", "upload", "notify", "poll", "wait", "download", "jobs", "cancel", "delete"} <= blocking
