import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from gnathos.api import upload_place
from gnathos.api.transfer_routes import wanted_range
from gnathos.errors import RangeNotSatisfiable
from gnathos.jobs.attempts import begin_attempt, end_attempt
from gnathos.jobs.credentials import find_tenant
from gnathos.jobs.endings import Ending, OutputEnding

BODY: dict[str, Any] = {
    "inputFiles": {"cbct": {"extension": ".dcm"}},
    "outputFiles": {
        "meshes": [
            {"extension": ".stl", "structures": ["mandible"]},
            {"extension": "STL", "structures": ["Left-Nerve", "skull"]},
            {"extension": ".stl", "structures": ["all_teeth"] * 20},
        ]
    },
}
MESH = bytes(range(256)) * 10


@pytest.fixture
def job(api, bearer) -> dict[str, Any]:
    answer = api.call("POST", "/24.06/job", json=BODY, headers=bearer).json()
    return {"id": answer["jobId"], **answer["presignedUploadUrl"]["cbct"]}


@pytest.fixture
def finished(api, bearer, job, tmp_path) -> list[dict[str, Any]]:
    """The meshes of a job that ended."""
    api.call("PUT", job["uploadUrl"], content=b"scan")
    api.call("PUT", job["notifyUrl"], headers=bearer)
    (tmp_path / "mesh").write_bytes(MESH)
    kept = api.app.state.services.store.keep(tmp_path / "mesh", f"meshes/{job['id']}")
    made = [OutputEnding("meshes", place, "Available", kept.key, kept.size_bytes, kept.sha256) for place in range(3)]
    with api.database.transaction() as session:
        attempt = begin_attempt(find_tenant(session, "clinic"), session, uuid.UUID(job["id"]))
        end_attempt(attempt, session, Ending(success=True, outputs=tuple(made)))
    return poll(api, bearer, job).json()["outputFiles"]["meshes"]


def poll(api, bearer, job) -> Any:
    return api.call("GET", "/24.06/pollJobResults", params={"jobId": job["id"]}, headers=bearer)


def inputs_in_store(api, job) -> list[str]:
    store = api.app.state.services.store
    return [key for key in store.keys_below("") if f"{job['id']}/inputs/" in key]


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def code(answer) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"content": b"scan"},
        {"content": b"scan", "headers": {"Content-Type": "application/octet-stream"}},
        {"content": b"scan", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"content": b"scan", "headers": {"Content-Type": "multipart/form-data"}},
        {"content": b"scan", "headers": {"Authorization": "Bearer nonsense"}},
    ],
)
def test_an_upload_of_any_type(api, job, arguments: dict[str, Any]) -> None:
    assert api.call("PUT", job["uploadUrl"], **arguments).status_code == 200

    found = api.call("HEAD", job["uploadUrl"])
    assert (found.status_code, found.headers["content-length"]) == (200, "4")


def test_an_upload_in_chunks(api, job) -> None:
    answer = api.call("PUT", job["uploadUrl"], content=chunks(b"sc", b"an"))

    assert answer.status_code == 200
    assert api.call("HEAD", job["uploadUrl"]).headers["etag"] == answer.headers["etag"]


def test_a_second_upload_replaces_the_first(api, bearer, job) -> None:
    api.call("PUT", job["uploadUrl"], content=b"first")
    api.call("PUT", job["uploadUrl"], content=b"second")

    assert api.call("HEAD", job["uploadUrl"]).headers["content-length"] == "6"
    assert len(inputs_in_store(api, job)) == 1
    assert api.call("PUT", job["notifyUrl"], headers=bearer).status_code == 200
    assert code(api.call("PUT", job["uploadUrl"], content=b"third")) == (409, "upload_closed")
    assert len(inputs_in_store(api, job)) == 1
    assert api.call("HEAD", job["uploadUrl"]).headers["content-length"] == "6"


def test_an_upload_that_is_too_large(api, job) -> None:
    limit = api.settings.max_upload_mb * 10**6

    early = api.call("PUT", job["uploadUrl"], content=chunks(b"x"), headers={"Content-Length": str(limit + 1)})
    late = api.call("PUT", job["uploadUrl"], content=chunks(bytes(limit), b"x"))
    whole = api.call("PUT", job["uploadUrl"], content=chunks(bytes(limit)))

    assert code(early) == (413, "upload_too_large")
    assert code(late) == (413, "upload_too_large")
    assert whole.status_code == 200
    assert len(inputs_in_store(api, job)) == 1


def test_a_sender_that_falls_silent_is_not_waited_for(api, job, monkeypatch) -> None:
    monkeypatch.setattr(upload_place, "SILENCE_S", 0.2)

    async def falls_silent() -> AsyncIterator[bytes]:
        yield b"half a scan"
        await asyncio.sleep(5)
        yield b"the rest"

    answer = api.call("PUT", job["uploadUrl"], content=falls_silent())
    assert code(answer) == (400, "upload_incomplete")
    assert inputs_in_store(api, job) == []

    part = api.call("PATCH", job["uploadUrl"], content=falls_silent(), headers={"Upload-Offset": "0"})
    assert code(part) == (400, "upload_incomplete")
    assert api.call("HEAD", job["uploadUrl"]).headers["upload-offset"] == str(len(b"half a scan"))


def test_before_any_upload(api, bearer, job) -> None:
    assert api.call("HEAD", job["uploadUrl"]).status_code == 404
    assert code(api.call("PUT", job["notifyUrl"], headers=bearer)) == (409, "upload_missing")
    assert poll(api, bearer, job).json()["stage"] == "upload"
    assert poll(api, bearer, job).headers["retry-after"] == "5"


def test_an_empty_upload(api, bearer, job) -> None:
    assert api.call("PUT", job["uploadUrl"], content=b"").status_code == 200
    assert code(api.call("POST", job["notifyUrl"], headers=bearer)) == (422, "upload_empty")

    api.call("PUT", job["uploadUrl"], content=b"scan")
    assert api.call("POST", job["notifyUrl"], headers=bearer).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_notify_may_be_repeated(api, bearer, job, method: str) -> None:
    api.call("PUT", job["uploadUrl"], content=b"scan")

    first = api.call(method, job["notifyUrl"], headers=bearer)
    again = api.call("PUT", job["notifyUrl"], headers=bearer)

    assert first.status_code == again.status_code == 200
    assert first.json() == again.json() == {"jobId": job["id"], "state": "waiting", "stage": "queue"}
    answer = poll(api, bearer, job)
    assert (answer.status_code, answer.headers["retry-after"]) == (202, "2")
    assert answer.json()["status"] == "PROCESSING"


def test_notify_and_poll_are_for_the_tenant_alone(api, bearer, job) -> None:
    api.call("PUT", job["uploadUrl"], content=b"scan")
    other = {"Authorization": f"Bearer {api.token('another clinic')}"}
    unknown = {**job, "id": str(uuid.uuid4()), "notifyUrl": job["notifyUrl"].replace(job["id"], str(uuid.uuid4()))}
    broken = {**job, "id": "not an id", "notifyUrl": job["notifyUrl"].replace(job["id"], "not-an-id")}

    assert code(api.call("PUT", job["notifyUrl"])) == (401, "token_missing")
    answers = [api.call("PUT", job["notifyUrl"], headers=other)]
    answers += [api.call("PUT", each["notifyUrl"], headers=bearer) for each in (unknown, broken)]
    answers += [poll(api, other, job), poll(api, bearer, unknown), poll(api, bearer, broken)]
    assert {code(answer) for answer in answers} == {(404, "unknown_job")}
    assert len({str({**answer.json(), "requestId": ""}) for answer in answers}) == 1
    wrong_key = job["notifyUrl"].replace("/cbct/", "/facial/")
    assert code(api.call("PUT", wrong_key, headers=bearer)) == (404, "unknown_file")


@pytest.mark.parametrize("chosen", ["case 7", str(uuid.uuid4())])
def test_a_job_is_polled_by_the_id_that_its_caller_chose(api, bearer, chosen: str) -> None:
    submitted = api.call("POST", "/24.06/job", json={**BODY, "externalJobId": chosen}, headers=bearer).json()
    other = {"Authorization": f"Bearer {api.token('another clinic')}"}

    assert poll(api, bearer, {"id": chosen}).json()["jobId"] == submitted["jobId"]
    assert code(poll(api, other, {"id": chosen})) == (404, "unknown_job")
    assert code(poll(api, bearer, {"id": "a\0b"})) == (404, "unknown_job")


def test_poll_needs_an_id(api, bearer) -> None:
    answer = api.call("GET", "/24.06/pollJobResults", headers=bearer)

    assert code(answer) == (400, "request_invalid")
    assert answer.json()["errors"] == [{"pointer": "jobId", "detail": "The parameter `jobId` is missing or not valid."}]


@pytest.mark.parametrize("what", ["signature", "expires", "limit", "path", "job", "no query"])
def test_tampered_urls(api, job, what: str) -> None:
    url = urlsplit(job["uploadUrl"])
    changed = {
        "signature": url._replace(query=url.query[:-4] + "AAAA"),
        "expires": url._replace(query=url.query.replace("expires=1", "expires=2")),
        "limit": url._replace(query=url.query.replace("limit=2", "limit=3")),
        "path": url._replace(path=url.path.replace("cbct", "facial")),
        "job": url._replace(path=url.path.replace(job["id"], str(uuid.uuid4()))),
        "no query": url._replace(query=""),
    }[what]

    assert code(api.call("PUT", urlunsplit(changed), content=b"scan")) == (403, "url_tampered")
    assert api.call("HEAD", job["uploadUrl"]).status_code == 404


def test_expired_urls(start_api, settings) -> None:
    api = start_api(replace(settings, url_minutes=-1))
    bearer = {"Authorization": f"Bearer {api.token()}"}
    url = api.call("POST", "/24.06/job", json=BODY, headers=bearer).json()["presignedUploadUrl"]["cbct"]["uploadUrl"]

    answer = api.call("PUT", url, content=b"scan")

    assert code(answer) == (403, "url_expired")
    assert answer.json()["detail"] == "The signed URL has expired."


def test_downloads(api, finished) -> None:
    first = finished[0]
    assert (first["status"], first["size"], first["extension"]) == ("Available", len(MESH), ".stl")
    assert first["url"] == first["downloadUrl"]

    answer = api.call("GET", first["url"])

    assert (answer.status_code, answer.content) == (200, MESH)
    assert answer.headers["content-type"] == "model/stl"
    assert answer.headers["content-length"] == str(len(MESH))
    assert answer.headers["content-disposition"] == 'attachment; filename="mandible.stl"'
    assert answer.headers["etag"] == f'"{first["sha256"]}"'
    assert answer.headers["accept-ranges"] == "bytes"


def test_names_of_files(finished) -> None:
    names = [urlsplit(mesh["url"]).path.rpartition("/")[2] for mesh in finished]

    assert names == ["mandible.stl", "left_nerve_skull.stl", "mesh_3.stl"]
    assert [mesh["extension"] for mesh in finished] == [".stl", "STL", ".stl"]


def test_a_head_tells_without_the_file(api, finished) -> None:
    answer = api.call("HEAD", finished[0]["url"])

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(MESH))


@pytest.mark.parametrize(
    ("header", "expected", "content_range"),
    [
        ("bytes=0-9", MESH[:10], "bytes 0-9/2560"),
        ("bytes=2550-", MESH[2550:], "bytes 2550-2559/2560"),
        ("bytes=-5", MESH[-5:], "bytes 2555-2559/2560"),
        ("bytes=100-99999", MESH[100:], "bytes 100-2559/2560"),
    ],
)
def test_ranges(api, finished, header: str, expected: bytes, content_range: str) -> None:
    answer = api.call("GET", finished[0]["url"], headers={"Range": header})

    assert (answer.status_code, answer.content) == (206, expected)
    assert answer.headers["content-range"] == content_range
    assert answer.headers["content-length"] == str(len(expected))


def test_a_range_beyond_the_end(api, finished) -> None:
    answer = api.call("GET", finished[0]["url"], headers={"Range": "bytes=2560-"})

    assert code(answer) == (416, "range_not_satisfiable")
    assert answer.headers["content-range"] == "bytes */2560"


def test_a_range_of_an_older_file(api, finished) -> None:
    etag = {"If-Range": '"older"', "Range": "bytes=0-9"}

    assert api.call("GET", finished[0]["url"], headers=etag).content == MESH
    same = {"If-Range": f'"{finished[0]["sha256"]}"', "Range": "bytes=0-9"}
    assert api.call("GET", finished[0]["url"], headers=same).content == MESH[:10]
    known = {"If-None-Match": same["If-Range"]}
    assert api.call("GET", finished[0]["url"], headers=known).status_code == 304


@pytest.mark.parametrize("header", ["", "bytes", "bytes=-", "bytes=a-b", "bytes=0-1,5-6", "bytes=9-3", "lines=1-2"])
def test_what_is_no_single_range_gets_the_whole(header: str) -> None:
    assert wanted_range(header, 100) is None


@pytest.mark.parametrize(("header", "size"), [("bytes=100-", 100), ("bytes=0-", 0), ("bytes=-0", 100)])
def test_unsatisfiable_ranges(header: str, size: int) -> None:
    with pytest.raises(RangeNotSatisfiable):
        wanted_range(header, size)


def test_upload_urls_do_not_download(api, job, finished) -> None:
    download, upload = urlsplit(finished[0]["url"]), urlsplit(job["uploadUrl"])

    assert code(api.call("PUT", finished[0]["url"], content=b"x")) == (405, "method_not_allowed")
    assert code(api.call("GET", job["uploadUrl"])) == (405, "method_not_allowed")
    mixed = urlunsplit(download._replace(query=upload.query))
    assert code(api.call("GET", mixed)) == (403, "url_tampered")
