"""Files are looked at when they are notified: who sent the wrong one learns it before the queue."""

import dataclasses
import hashlib
from pathlib import Path

import pytest
from pydicom import dcmread
from tests.api.conftest import MANDIBLE
from tests.makers import scans
from tests.makers import surfaces as meshes

from gnathos.imaging.nifti_write import write_nifti
from gnathos.jobs.tenants import find_tenant, set_limits


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


@pytest.mark.parametrize(
    ("content", "extension"),
    [(meshes.binary_stl(b"x", 2**32 - 1), ".stl"), (meshes.ply("<", faces=meshes.FACES + 2**31 - 5), ".ply")],
    ids=["STL of four billion triangles", "PLY with wild indices"],
)
def test_a_hostile_mesh_ends_its_job_with_the_reason(looking, access, content: bytes, extension: str) -> None:
    _, urls = send(looking, access, content, "ios_upper", extension)

    answer = looking.call("PUT", urls["notifyUrl"], headers=access).json()
    assert (answer["state"], answer["error"]["code"], answer["error"]["input"]) == (
        "failed",
        "surface_unreadable",
        "ios_upper",
    )


def test_whose_a_scan_is_is_taken_out_where_the_tenant_wants_it_so(looking, tmp_path) -> None:
    access = {"Authorization": f"Bearer {looking.token('a careful clinic')}"}
    with looking.database.transaction() as session:
        set_limits(find_tenant(session, "a careful clinic"), session, {"deidentify": 1})
    scan = scans.enhanced(tmp_path)
    dataset = dcmread(scan)
    dataset.PatientName = "Doe^Jane"
    dataset.save_as(scan)
    job_id, urls = send(looking, access, scan.read_bytes())

    assert looking.call("PUT", urls["notifyUrl"], headers=access).json()["stage"] == "queue"

    store = looking.app.state.services.store
    (key,) = [each for each in store.keys_below("") if job_id in each]
    stored = store.local_path(key).read_bytes()
    assert b"Doe" not in stored
    record = looking.call("GET", f"/26.11/jobs/{job_id}", headers=access).json()["inputFiles"][0]
    assert (record["size"], record["sha256"]) == (len(stored), hashlib.sha256(stored).hexdigest())
    assert looking.call("PUT", urls["notifyUrl"], headers=access).json()["stage"] == "queue"
