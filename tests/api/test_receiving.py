"""Files are looked at when they are notified: who sent the wrong one learns it before the queue."""

import dataclasses
from pathlib import Path

import pytest
from tests.api.conftest import MANDIBLE
from tests.makers import scans
from tests.makers import surfaces as meshes

from gnathos.imaging.nifti_write import write_nifti


@pytest.fixture(scope="module")
def looking(start_api, settings):
    return start_api(dataclasses.replace(settings, receiving_seconds=60, job_memory_mb=2000))


@pytest.fixture
def access(looking) -> dict[str, str]:
    return {"Authorization": f"Bearer {looking.token('a clinic that is looked at')}"}


def send(api, access, content: bytes, key: str = "cbct", extension: str = ".dcm"):
    body = {**MANDIBLE, "inputFiles": {key: {"extension": extension}}}
    answer = api.call("POST", "/26.11/job", json=body, headers=access).json()
    urls = answer["presignedUploadUrl"][key]
    api.call("PUT", urls["uploadUrl"], content=content)
    return answer["jobId"], urls


def nifti(folder: Path) -> bytes:
    write_nifti(scans.small_volume(), folder / "scan.nii")
    return (folder / "scan.nii").read_bytes()


def test_what_is_as_it_was_said_goes_to_the_queue(looking, access, tmp_path) -> None:
    for content, key, extension in (
        (scans.enhanced(tmp_path).read_bytes(), "cbct", "DCM"),
        (meshes.ply(), "ios_upper", "ply"),
    ):
        _, urls = send(looking, access, content, key, extension)
        answer = looking.call("PUT", urls["notifyUrl"], headers=access)
        assert (answer.status_code, answer.json()["stage"]) == (200, "queue")


def test_what_is_not_is_named_and_ends_its_job(looking, access, tmp_path) -> None:
    job_id, urls = send(looking, access, nifti(tmp_path))

    first = looking.call("PUT", urls["notifyUrl"], headers=access)
    again = looking.call("POST", urls["notifyUrl"], headers=access)

    assert (first.status_code, first.json()["state"]) == (200, "failed")
    error = first.json()["error"]
    assert (error["code"], error["input"]) == ("format_not_recognised", "cbct")
    assert error["detail"] == "The file was announced as .dcm, but it is NIfTI."
    assert ".nii" in error["remedy"]
    assert again.json() == first.json()
    polled = looking.call("GET", "/26.11/pollJobResults", params={"jobId": job_id}, headers=access)
    assert (polled.status_code, polled.json()["success"], polled.json()["error"]) == (200, False, error)
    assert looking.call("PUT", urls["uploadUrl"], content=b"another").json()["code"] == "upload_closed"


def test_a_bomb_is_refused(looking, access, tmp_path) -> None:
    _, urls = send(looking, access, scans.zip_bomb(tmp_path).read_bytes(), "cbct", ".zip")

    answer = looking.call("PUT", urls["notifyUrl"], headers=access)
    assert answer.json()["error"]["code"] == "archive_refused"
