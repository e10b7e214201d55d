"""Uploads that are checked by a digest, and uploads that are gone on with after a break."""

import base64
import hashlib

import pytest
from tests.api.conftest import MANDIBLE

from gnathos.api import part_routes

SCAN = bytes(range(256)) * 40
COMPLETE = {"Upload-Complete": "?1"}


@pytest.fixture
def url(api, bearer) -> str:
    answer = api.call("POST", "/26.11/job", json=MANDIBLE, headers=bearer).json()
    return answer["presignedUploadUrl"]["cbct"]["uploadUrl"]


def digest(algorithm: str, content: bytes = SCAN) -> str:
    return base64.b64encode(hashlib.new(algorithm, content).digest()).decode()


def patch(api, url: str, offset: int, content, **headers: str):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.call("PATCH", url, content=content, headers={"Upload-Offset": str(offset), **named})


def progress(answer) -> tuple[int, str, str]:
    return answer.status_code, answer.headers["upload-offset"], answer.headers["upload-complete"]


def objects_of(api, url: str) -> list[str]:
    job_id = url.split("/uploads/")[1].split("/")[1]
    return [key for key in api.app.state.services.store.keys_below("") if job_id in key]


def sha256_in_store(api, url: str) -> str:
    (key,) = objects_of(api, url)
    return hashlib.sha256(api.app.state.services.store.local_path(key).read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Digest": f"sha-256=:{digest('sha256')}:"},
        {"Repr-Digest": f"sha-512=:{digest('sha512')}:, unixsum=:AAAA:"},
        {"Content-MD5": digest("md5")},
    ],
)
def test_a_digest_is_compared_with_what_came(api, url, headers: dict[str, str]) -> None:
    wrong = api.call("PUT", url, content=SCAN[:-1] + b"!", headers=headers)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "digest_mismatch")
    assert objects_of(api, url) == []

    assert api.call("PUT", url, content=SCAN, headers=headers).status_code == 200
    assert sha256_in_store(api, url) == hashlib.sha256(SCAN).hexdigest()


@pytest.mark.parametrize(
    "headers", [{"Content-Digest": "sha-256=abc"}, {"Repr-Digest": "nonsense"}, {"Content-MD5": "not base64!"}]
)
def test_a_digest_that_cannot_be_read_is_refused(api, url, headers: dict[str, str]) -> None:
    answer = api.call("PUT", url, content=SCAN, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "request_invalid")


def test_a_file_in_three_parts(api, bearer, url) -> None:
    assert progress(api.call("HEAD", url)) == (404, "0", "?0")
    assert progress(patch(api, url, 0, SCAN[:4000])) == (204, "4000", "?0")
    assert progress(patch(api, url, 4000, SCAN[4000:7000])) == (204, "7000", "?0")
    assert progress(api.call("HEAD", url)) == (204, "7000", "?0")
    notify_url = url.split("?")[0].replace("/uploads/", "/job/")
    _, _, rest = notify_url.partition("/job/")
    _, job_id, key = rest.split("/")
    early = api.call("PUT", f"/26.11/job/{job_id}/inputs/{key}/notify", headers=bearer)
    assert early.json()["code"] == "upload_missing"

    last = patch(api, url, 7000, SCAN[7000:], **COMPLETE, Repr_Digest=f"sha-256=:{digest('sha256')}:")

    assert progress(last) == (204, str(len(SCAN)), "?1")
    found = api.call("HEAD", url)
    assert (found.headers["content-length"], found.headers["etag"]) == (
        str(len(SCAN)),
        f'"{hashlib.sha256(SCAN).hexdigest()}"',
    )
    assert sha256_in_store(api, url) == hashlib.sha256(SCAN).hexdigest()
    assert api.call("PUT", f"/26.11/job/{job_id}/inputs/{key}/notify", headers=bearer).status_code == 200
    assert patch(api, url, 0, b"more").json()["code"] == "upload_closed"


def test_the_length_says_the_end_too(api, url) -> None:
    half = len(SCAN) // 2
    assert progress(patch(api, url, 0, SCAN[:half], Upload_Length=str(len(SCAN))))[2] == "?0"
    assert progress(patch(api, url, half, SCAN[half:], Upload_Length=str(len(SCAN))))[2] == "?1"


def test_a_part_at_another_place_is_told_where_to_go_on(api, url) -> None:
    patch(api, url, 0, SCAN[:100])

    for offset in (0, 99, 200):
        answer = patch(api, url, offset, SCAN[100:])
        assert (answer.status_code, answer.json()["code"]) == (409, "upload_offset_differs")
        assert answer.headers["upload-offset"] == "100"


def test_a_damaged_part_is_not_built_upon(api, url) -> None:
    patch(api, url, 0, SCAN[:100])

    damaged = patch(api, url, 100, SCAN[100:], Content_Digest=f"sha-256=:{digest('sha256')}:")

    assert (damaged.status_code, damaged.headers["upload-offset"]) == (400, "100")
    assert progress(api.call("HEAD", url)) == (204, "100", "?0")
    whole = patch(api, url, 100, SCAN[100:], **COMPLETE, Repr_Digest=f"md5=:{digest('md5', b'another')}:")
    assert (whole.status_code, whole.headers["upload-offset"]) == (400, "0")
    assert objects_of(api, url) == []


def test_sections_and_limits(api, url, monkeypatch) -> None:
    monkeypatch.setattr(part_routes, "SECTION_BYTES", 1000)
    assert progress(patch(api, url, 0, SCAN[:3500]))[1] == "3500"
    assert len(objects_of(api, url)) == 4

    monkeypatch.setattr(part_routes, "SECTION_BYTES", 300_000)
    too_large = patch(api, url, 3500, bytes(api.settings.max_upload_mb * 10**6))
    assert (too_large.status_code, too_large.json()["code"]) == (413, "upload_too_large")
    offset = int(api.call("HEAD", url).headers["upload-offset"])
    assert offset <= api.settings.max_upload_mb * 10**6

    assert api.call("PUT", url, content=SCAN).status_code == 200
    assert len(objects_of(api, url)) == 1


@pytest.mark.parametrize("headers", [{}, {"Upload-Offset": "-1"}, {"Upload-Offset": "0", "Upload-Complete": "yes"}])
def test_headers_that_are_missing_or_wrong(api, url, headers: dict[str, str]) -> None:
    answer = api.call("PATCH", url, content=b"part", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "request_invalid")


def test_the_url_must_be_signed(api, url) -> None:
    answer = patch(api, url.replace("signature=", "signature=x"), 0, b"part")

    assert (answer.status_code, answer.json()["code"]) == (403, "url_tampered")
