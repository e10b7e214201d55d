"""The engine's own store in a cloud, and a client whose files are in one: real servers that check signatures."""

from collections.abc import Iterator

import httpx2
import obstore
import pytest
from tests.makers.surfaces import binary_stl
from tests.transfers.emulators import Cloud, running_azure, running_s3

SURFACE = {"extension": ".stl", "structures": ["ios_upper"]}


@pytest.fixture(scope="module", params=[running_s3, running_azure], ids=["s3", "azure"])
def cloud(request, tmp_path_factory) -> Iterator[Cloud]:
    with request.param(tmp_path_factory.mktemp("cloud")) as started:
        yield started


@pytest.fixture(scope="module")
def engine(cloud, start_engine):
    started = start_engine(
        environment=cloud.environment, store_url=f"{cloud.url}/engine", allowed_networks="127.0.0.0/8"
    )
    started.start_real_worker()
    return started


@pytest.fixture
def plain() -> Iterator[httpx2.Client]:
    """Calls without a token."""
    with httpx2.Client(timeout=60, trust_env=False) as client:
        yield client


def run(engine, given: dict, mesh: dict, upload: bytes | None = None) -> dict:
    body = {"inputFiles": {"ios_upper": {"extension": ".stl", **given}}, "outputFiles": {"meshes": [SURFACE | mesh]}}
    answer = engine.http.post("/26.11/job", json=body).raise_for_status().json()
    if upload is not None:
        urls = answer["presignedUploadUrl"]["ios_upper"]
        httpx2.put(urls["uploadUrl"], content=upload, timeout=60).raise_for_status()
        engine.http.put(urls["notifyUrl"]).raise_for_status()
    return engine.wait_for_end(answer["jobId"])


def kept(cloud: Cloud) -> list[str]:
    """Keys of the engine's own objects."""
    return [each["path"] for page in obstore.list(cloud.store, prefix="engine") for each in page]


def test_files_of_the_engine_lie_in_the_cloud(cloud, engine, plain) -> None:
    result = run(engine, {}, {}, binary_stl())

    (mesh,) = result["outputFiles"]["meshes"]
    assert (result["success"], mesh["status"]) == (True, "Available")
    content = plain.get(mesh["url"]).raise_for_status().content
    assert len(content) == mesh["size"]
    assert plain.get(mesh["url"], headers={"Range": "bytes=80-83"}).content == content[80:84]
    stored = [bytes(obstore.get(cloud.store, key).bytes()) for key in kept(cloud) if result["jobId"] in key]
    assert {binary_stl(), content} <= set(stored)
    assert engine.objects() == []  # nothing of it in the data folder

    assert engine.http.delete(f"/26.11/jobs/{result['jobId']}").status_code == 200
    assert [key for key in kept(cloud) if result["jobId"] in key] == []


def test_files_of_a_client_are_fetched_and_sent_by_presigned_urls(cloud, engine, plain) -> None:
    obstore.put(cloud.store, "client/scan.stl", binary_stl())

    result = run(
        engine,
        {"downloadUrl": cloud.signed("GET", "client/scan.stl")},
        {"uploadUrl": cloud.signed("PUT", "client/mesh.stl")},
    )

    (mesh,) = result["outputFiles"]["meshes"]
    assert (result["success"], mesh["status"], mesh["delivery"]["status"]) == (True, "Available", "Delivered")
    assert bytes(obstore.get(cloud.store, "client/mesh.stl").bytes()) == plain.get(mesh["url"]).content


def test_urls_that_the_cloud_refuses(cloud, engine) -> None:
    obstore.put(cloud.store, "client/scan.stl", binary_stl())
    good = cloud.signed("GET", "client/scan.stl")
    forged = good.replace("client/scan.stl", "engine/of-somebody-else")

    result = run(engine, {"downloadUrl": forged}, {})
    assert (result["success"], result["error"]["code"]) == (False, "download_failed")
    assert "answered 403" in result["error"]["detail"]

    result = run(engine, {"downloadUrl": good}, {"uploadUrl": good})  # signed for reading, not for writing
    (mesh,) = result["outputFiles"]["meshes"]
    assert (result["success"], mesh["status"], mesh["delivery"]["status"]) == (True, "Available", "Failed")
    assert "answered 403" in mesh["delivery"]["reason"]["detail"]
