"""Submissions that name an earlier job in place of a file."""

import uuid

import pytest
from tests.api.conftest import MANDIBLE


@pytest.fixture
def earlier(api, bearer) -> str:
    """A job whose file has come."""
    answer = api.call("POST", "/26.11/job", json=MANDIBLE, headers=bearer).json()
    urls = answer["presignedUploadUrl"]["cbct"]
    api.call("PUT", urls["uploadUrl"], content=b"scan")
    assert api.call("PUT", urls["notifyUrl"], headers=bearer).status_code == 200
    return answer["jobId"]


def submit(api, bearer, given: dict, **parameters):
    body = {**MANDIBLE, "inputFiles": {"cbct": given}}
    return api.call("POST", "/26.11/job", json=body, headers=bearer, params=parameters)


def test_it_starts_by_itself_with_the_extension_of_the_earlier_file(api, bearer, earlier) -> None:
    answer = submit(api, bearer, {"jobId": earlier})

    assert (answer.status_code, answer.json()["presignedUploadUrl"]) == (200, {})
    record = api.call("GET", f"/26.11/jobs/{answer.json()['jobId']}", headers=bearer).json()
    assert (record["stage"], record["inputFiles"][0]["extension"]) == ("fetch", ".dcm")


def test_a_dry_run_looks_for_it(api, bearer, earlier) -> None:
    assert submit(api, bearer, {"jobId": earlier}, dryRun=True).json()["inputFiles"] == {"cbct": ".dcm"}
    assert submit(api, bearer, {"jobId": str(uuid.uuid4())}, dryRun=True).status_code == 404


def test_unknown_and_anothers_are_the_same(api, bearer, earlier) -> None:
    other = {"Authorization": f"Bearer {api.token('another clinic')}"}
    answers = [submit(api, bearer, {"jobId": str(uuid.uuid4())}), submit(api, other, {"jobId": earlier})]

    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_job")
    assert len({answer.json()["detail"] for answer in answers}) == 1


def test_what_cannot_be_taken_again_is_told(api, bearer, earlier) -> None:
    waiting = api.call("POST", "/26.11/job", json=MANDIBLE, headers=bearer).json()["jobId"]
    not_there = submit(api, bearer, {"jobId": waiting})
    assert (not_there.status_code, not_there.json()["code"]) == (409, "upload_missing")

    body = {**MANDIBLE, "inputFiles": {"ios_upper": {"jobId": earlier}}}
    no_such_input = api.call("POST", "/26.11/job", json=body, headers=bearer)
    assert (no_such_input.status_code, no_such_input.json()["code"]) == (409, "upload_missing")

    api.call("DELETE", f"/26.11/jobs/{earlier}", headers=bearer)
    deleted = submit(api, bearer, {"jobId": earlier})
    assert (deleted.status_code, deleted.json()["code"]) == (410, "job_deleted")


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({}, "#/inputFiles/cbct/extension"),
        ({"jobId": "not an id"}, "#/inputFiles/cbct/jobId"),
        ({"jobId": str(uuid.uuid4()), "downloadUrl": "https://example.org/a"}, "#/inputFiles/cbct/jobId"),
    ],
)
def test_a_file_comes_from_one_place(api, bearer, given, pointer: str) -> None:
    answer = submit(api, bearer, given)

    assert answer.status_code == 400
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
