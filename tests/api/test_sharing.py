"""Links to one result, and the catalogue: what may be seen without a token."""

import time
import uuid
from urllib.parse import urlsplit

import pytest
from tests.api.conftest import MANDIBLE
from tests.api.test_records import finish

from gnathos.anatomy import OUTPUT_EXTENSIONS, STRUCTURES
from gnathos.jobs.audit import entries


@pytest.fixture
def ended(api, bearer) -> str:
    """A job that has ended."""
    answer = api.call("POST", "/26.11/job", json={**MANDIBLE, "externalJobId": uuid.uuid4().hex}, headers=bearer).json()
    urls = answer["presignedUploadUrl"]["cbct"]
    api.call("PUT", urls["uploadUrl"], content=b"scan")
    api.call("PUT", urls["notifyUrl"], headers=bearer)
    finish(api, answer["jobId"])
    return str(answer["jobId"])


def share(api, bearer: dict[str, str], job_id: str, hours: int = 1) -> dict[str, str]:
    answer = api.call("POST", f"/26.11/jobs/{job_id}/share", params={"hours": hours}, headers=bearer)
    return dict(answer.raise_for_status().json())


def test_whoever_has_the_link_sees_the_result_and_its_files(api, bearer, ended) -> None:
    link = share(api, bearer, ended)["url"]

    seen = api.call("GET", link)

    own = api.call("GET", f"/26.11/pollJobResults?jobId={ended}", headers=bearer).json()
    assert seen.status_code == 200
    assert seen.json()["state"] == own["state"] == "succeeded"
    assert own["externalJobId"]
    assert seen.json()["externalJobId"] is None
    mesh = seen.json()["outputFiles"]["meshes"][0]
    assert api.call("GET", mesh["url"]).content == b"solid"


def test_a_link_shows_its_own_job_for_its_own_time(api, bearer, ended, monkeypatch) -> None:
    link = share(api, bearer, ended)["url"]
    other = link.replace(ended, str(uuid.uuid4()))
    longer = link.replace("expires=", "expires=1")
    now = time.time()

    assert api.call("GET", other).json()["code"] == "url_tampered"
    assert api.call("GET", longer).json()["code"] == "url_tampered"
    assert api.call("PUT", link).status_code == 405
    monkeypatch.setattr("gnathos.storage.signing.time.time", lambda: now + 3700)
    assert api.call("GET", link).json()["code"] == "url_expired"


def test_files_are_not_shared_for_longer_than_the_result(api, bearer, ended, monkeypatch) -> None:
    link = share(api, bearer, ended)["url"]
    ends = int(dict(part.split("=") for part in urlsplit(link).query.split("&"))["expires"])
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 3000)

    file_link = api.call("GET", link).json()["outputFiles"]["meshes"][0]["url"]

    assert int(dict(part.split("=") for part in urlsplit(file_link).query.split("&"))["expires"]) <= ends


def test_a_deleted_job_is_no_longer_shared(api, bearer, ended) -> None:
    link = share(api, bearer, ended)["url"]
    api.call("DELETE", f"/26.11/jobs/{ended}", headers=bearer)

    assert api.call("GET", link).json()["code"] == "job_deleted"


def test_only_its_tenant_shares_a_result_once_there_is_one(api, bearer, ended) -> None:
    stranger = {"Authorization": f"Bearer {api.token('somebody else')}"}
    waiting = api.call("POST", "/26.11/job", json=MANDIBLE, headers=bearer).json()["jobId"]

    assert api.call("POST", f"/26.11/jobs/{ended}/share", headers=stranger).json()["code"] == "unknown_job"
    assert api.call("POST", f"/26.11/jobs/{ended}/share").json()["code"] == "token_missing"
    assert api.call("POST", f"/26.11/jobs/{waiting}/share", headers=bearer).json()["code"] == "job_still_open"
    too_long = api.call("POST", f"/26.11/jobs/{ended}/share", params={"hours": 10_000}, headers=bearer)
    assert too_long.json()["code"] == "request_invalid"


def test_the_audit_log_keeps_who_shared(api, bearer, ended) -> None:
    share(api, bearer, ended, hours=3)

    tenant_id = uuid.UUID(urlsplit(share(api, bearer, ended)["url"]).path.split("/")[3])
    with api.database.transaction() as session:
        kept = [each for each in entries(tenant_id, session, uuid.UUID(ended)) if each.action == "job.shared"]
    assert [each.details["hours"] for each in kept] == [3, 1]
    assert kept[0].actor


def test_the_catalogue_lists_what_requests_are_checked_against(api) -> None:
    catalogue = api.call("GET", "/26.11/catalogue").raise_for_status().json()

    structures = {each["name"]: each for each in catalogue["structures"]}
    assert structures.keys() > STRUCTURES.keys()
    assert (structures["tooth36"]["fdi"], structures["tooth36"]["label"]) == (36, 36)
    kinds = {kind: tuple(each["extensions"]) for kind, each in catalogue["outputFiles"].items()}
    assert kinds == OUTPUT_EXTENSIONS
    assert catalogue["outputFiles"]["meshes"]["takesStructures"]
    assert not catalogue["outputFiles"]["archive"]["takesStructures"]
    assert catalogue["options"]["mandible"]["decimateMaxError"] == 0.1
    assert api.call("GET", "/99.99/catalogue").json()["code"] == "unknown_version"
