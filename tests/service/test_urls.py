"""Inputs that are fetched and outputs that are sent, by URLs that clients name."""

import time

import pytest

SCAN = bytes(range(256)) * 20_000


@pytest.fixture(scope="module")
def engine(start_engine):
    started = start_engine(allowed_networks="127.0.0.0/8", max_upload_mb=8)
    started.worker = started.start_worker()
    return started


def submit(engine, download_url: str | None = None, upload_url: str | None = None) -> dict:
    mesh = {"extension": ".stl", "structures": ["mandible"], "uploadUrl": upload_url}
    given = {"extension": ".dcm", "downloadUrl": download_url}
    body = {"inputFiles": {"cbct": given}, "outputFiles": {"meshes": [mesh]}}
    return engine.http.post("/26.11/job", json=body).raise_for_status().json()


def test_a_job_whose_inputs_are_fetched_starts_by_itself(engine, web_server) -> None:
    web_server.files["/scan.dcm"] = SCAN
    web_server.drop_after = [1_000_000]

    answer = submit(engine, f"{web_server.url}/scan.dcm")
    result = engine.wait_for_end(answer["jobId"])

    assert answer["presignedUploadUrl"] == {}
    assert result["success"] is True
    url = result["outputFiles"]["meshes"][0]["url"]
    assert engine.http.get(url).content == b"solid " + SCAN
    assert web_server.requests[1].headers["range"].startswith("bytes=")
    record = engine.http.get(f"/26.11/jobs/{answer['jobId']}").json()
    assert record["inputFiles"][0]["size"] == len(SCAN)


@pytest.mark.parametrize(
    ("status", "content", "code", "said"),
    [
        (404, None, "download_failed", "answered 404"),
        (200, b"", "upload_empty", "is empty"),
        (200, bytes(9_000_000), "upload_too_large", "8000000"),
    ],
)
def test_what_cannot_be_fetched_ends_the_job(engine, web_server, status, content, code, said) -> None:
    if content is not None:
        web_server.files["/scan.dcm"] = content

    job_id = submit(engine, f"{web_server.url}/scan.dcm")["jobId"]
    result = engine.wait_for_end(job_id, 20)

    assert (result["success"], result["state"], result["error"]["code"]) == (False, "failed", code)
    assert said in result["error"]["detail"]
    assert result["error"]["input"] == "cbct"
    assert [key for key in engine.objects() if job_id in key] == []


def test_a_redirect_to_a_private_address_ends_the_job(engine, web_server) -> None:
    job_id = submit(engine, f"{web_server.url}/redirect?to=http://169.254.169.254/latest")["jobId"]

    assert engine.wait_for_end(job_id, 20)["error"]["code"] == "url_refused"


def test_a_server_that_comes_back(engine, web_server) -> None:
    web_server.files["/scan.dcm"] = SCAN
    web_server.statuses = [503]

    began = time.monotonic()
    result = engine.wait_for_end(submit(engine, f"{web_server.url}/scan.dcm")["jobId"], 30)

    assert result["success"] is True
    assert time.monotonic() - began > 5


def test_an_input_that_is_fetched_is_not_uploaded(engine, web_server) -> None:
    web_server.statuses = [503]
    job_id = submit(engine, f"{web_server.url}/scan.dcm")["jobId"]

    assert engine.http.put(f"/26.11/job/{job_id}/inputs/cbct/notify").json()["stage"] == "fetch"
    assert engine.http.post(f"/26.11/jobs/{job_id}/cancel").json()["state"] == "cancelled"


def test_a_mesh_is_sent_where_it_is_wanted(engine, web_server) -> None:
    web_server.files["/scan.dcm"] = SCAN
    web_server.statuses = []

    job_id = submit(engine, f"{web_server.url}/scan.dcm", f"{web_server.url}/mesh.stl?sv=1&sig=2")["jobId"]
    (mesh,) = engine.wait_for_end(job_id)["outputFiles"]["meshes"]

    (sent,) = [seen for seen in web_server.requests if seen.method == "PUT"]
    assert sent.body == b"solid " + SCAN
    assert sent.headers["x-ms-blob-type"] == "BlockBlob"
    assert (mesh["status"], mesh["delivery"]) == ("Available", {"status": "Delivered", "reason": None})
    assert mesh["url"]


def test_a_mesh_that_nobody_takes_is_still_there(engine, web_server) -> None:
    web_server.files["/scan.dcm"] = SCAN
    web_server.put_status = 403

    job_id = submit(engine, f"{web_server.url}/scan.dcm", f"{web_server.url}/mesh.stl")["jobId"]
    result = engine.wait_for_end(job_id)

    (mesh,) = result["outputFiles"]["meshes"]
    assert (result["success"], mesh["status"], mesh["delivery"]["status"]) == (True, "Available", "Failed")
    assert mesh["delivery"]["reason"]["code"] == "delivery_failed"
    assert "answered 403" in mesh["delivery"]["reason"]["detail"]
    assert [each["code"] for each in result["warnings"]] == ["stand_in", "delivery_failed"]
    assert engine.http.get(mesh["url"]).content == b"solid " + SCAN


def test_an_upload_goes_on_where_it_broke_off(engine) -> None:
    answer = submit(engine)
    urls = answer["presignedUploadUrl"]["cbct"]

    def breaks():
        yield SCAN[:3_000_000]
        raise RuntimeError("cable pulled")

    with pytest.raises(RuntimeError, match="cable"):
        engine.http.patch(urls["uploadUrl"], content=breaks(), headers={"Upload-Offset": "0"})
    offset = engine.wait(lambda: int(engine.http.head(urls["uploadUrl"]).headers["upload-offset"]), "part")
    assert offset == 3_000_000
    rest = {"Upload-Offset": str(offset), "Upload-Complete": "?1"}
    assert engine.http.patch(urls["uploadUrl"], content=SCAN[offset:], headers=rest).status_code == 204

    engine.http.put(urls["notifyUrl"]).raise_for_status()
    result = engine.wait_for_end(answer["jobId"])
    assert engine.http.get(result["outputFiles"]["meshes"][0]["url"]).content == b"solid " + SCAN
