"""The API streams: what it holds in memory does not grow with what is sent."""

import threading
import time
from collections.abc import Iterator

import psutil

MEGABYTE = 10**6

SIZE_MB = 100

BODY = {
    "inputFiles": {"cbct": {"extension": "dcm"}},
    "outputFiles": {"meshes": [{"extension": "stl", "structures": ["mandible"]}]},
}


def scan(megabytes: int) -> Iterator[bytes]:
    piece = bytes(range(250)) * 4000
    for _ in range(megabytes):
        yield piece


class Watch:
    """The most memory that a process held, looked at every few milliseconds."""

    def __init__(self, process_id: int) -> None:
        self._process = psutil.Process(process_id)
        self._ended = threading.Event()
        self.most_mb = self.now_mb()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def now_mb(self) -> float:
        return self._process.memory_info().rss / MEGABYTE

    def end(self) -> float:
        self._ended.set()
        self._thread.join()
        return self.most_mb

    def _run(self) -> None:
        while not self._ended.wait(0.01):
            self.most_mb = max(self.most_mb, self.now_mb())


def test_uploads_and_downloads_are_streamed(start_engine) -> None:
    engine = start_engine(max_upload_mb=120)
    engine.start_worker()
    answer = engine.http.post("/24.06/job", json=BODY).json()
    urls = answer["presignedUploadUrl"]["cbct"]
    engine.http.put(urls["uploadUrl"], content=scan(10)).raise_for_status()

    watch = Watch(engine.api.process.pid)
    before_mb = watch.now_mb()
    began = time.monotonic()
    engine.http.put(urls["uploadUrl"], content=scan(100)).raise_for_status()
    took_s = time.monotonic() - began
    too_large = engine.http.put(urls["uploadUrl"], content=scan(121))
    assert too_large.status_code == 413
    engine.http.put(urls["notifyUrl"]).raise_for_status()
    url = engine.wait_for_end(answer["jobId"])["outputFiles"]["meshes"][0]["url"]
    with engine.http.stream("GET", url) as download:
        size = sum(len(piece) for piece in download.iter_bytes())
    most_mb = watch.end()

    assert size == 100 * MEGABYTE + 6
    assert most_mb < 150
    assert most_mb - before_mb < 40
    assert took_s < 20


def test_what_is_fetched_and_sent_is_streamed(start_engine, web_server) -> None:
    engine = start_engine(max_upload_mb=120, allowed_networks="127.0.0.0/8")
    worker = engine.start_worker()
    web_server.files["/scan.dcm"] = b"".join(scan(SIZE_MB))
    mesh = {**BODY["outputFiles"]["meshes"][0], "uploadUrl": f"{web_server.url}/mesh.stl"}
    given = {"extension": "dcm", "downloadUrl": f"{web_server.url}/scan.dcm"}
    body = {"inputFiles": {"cbct": given}, "outputFiles": {"meshes": [mesh]}}
    watch = Watch(worker.process.pid)
    before_mb = watch.now_mb()

    began = time.monotonic()
    job_id = engine.http.post("/26.11/job", json=body).raise_for_status().json()["jobId"]
    result = engine.wait_for_end(job_id)
    took_s = time.monotonic() - began
    most_mb = watch.end()

    print(
        f"{SIZE_MB} MB fetched and sent in {took_s:.1f} s; worker {before_mb:.0f} MB before, {most_mb:.0f} MB at most"
    )
    assert result["outputFiles"]["meshes"][0]["delivery"]["status"] == "Delivered"
    assert len(web_server.requests[-1].body) == SIZE_MB * MEGABYTE + 6
    assert most_mb - before_mb < 60
