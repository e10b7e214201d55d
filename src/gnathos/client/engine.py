"""One engine, as a Python program uses it: submit, upload, notify, poll, download."""

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self

import httpx2

from gnathos.client.jobs import Job, Progress
from gnathos.client.slices import extension_of, one_file
from gnathos.client.transport import Transport, raise_for_refusal, retry_after_s, with_retries
from gnathos.errors import EngineNotReachable

CHUNK_BYTES = 1 << 20
PATIENCE_S = 60.0
"""How long an engine may be away while its job is waited for."""
POLL_INTERVAL_S = 1.0
AUDIENCE = "virtualpatientengine.com"
VERSION = "26.11"

OnProgress = Callable[[Progress], None]
OnBytes = Callable[[float], None]
"""Told which part (0-1) of a file has moved."""


class Engine:
    """A client of one engine; a context manager that closes its connections."""

    def __init__(
        self, url: str, client_id: str, client_secret: str, version: str = VERSION, audience: str = AUDIENCE
    ) -> None:
        self._transport = Transport(url, client_id, client_secret, audience)
        self.base_url = f"{url.rstrip('/')}/{version}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.http.close()

    def submit(
        self,
        inputs: Mapping[str, Mapping[str, Any]],
        outputs: Mapping[str, Any],
        options: Mapping[str, Any] | None = None,
    ) -> Job:
        """Submit a job; once, also when the connection is lost meanwhile.

        Args:
            inputs: the contract's `inputFiles`, as `{"cbct": {"extension": ".dcm"}}`.
            outputs: its `outputFiles`, as `{"meshes": [{"extension": ".stl", "structures": ["mandible"]}]}`.
            options: its `options`.

        Raises:
            EngineRefused: the engine does not take it; says why.
            EngineNotReachable: no answer.
        """
        body = {"inputFiles": inputs, "outputFiles": outputs} | ({"options": options} if options else {})
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return Job.from_answer(self._transport.call("POST", f"{self.base_url}/job", json=body, headers=headers).json())

    def upload(self, url: str, path: Path, progress: OnBytes | None = None) -> None:
        """Send a file to an upload URL, a piece at a time."""

        def send() -> httpx2.Response:
            with path.open("rb") as file:
                size = {"Content-Length": str(os.fstat(file.fileno()).st_size)}
                return self._transport.http.put(url, content=_pieces(file, progress), headers=size)

        raise_for_refusal(with_retries(send))

    def notify(self, url: str) -> None:
        """Say that an input is there; the last one starts the job."""
        self._transport.call("PUT", url)

    def poll(self, job_id: str) -> dict[str, Any] | None:
        """The job's result; None while there is none."""
        answer = self._poll(job_id)
        return None if answer.status_code == httpx2.codes.ACCEPTED else answer.json()

    def wait(self, job_id: str, progress: OnProgress | None = None, timeout_s: float = 3600) -> dict[str, Any]:
        """The job's result, once there is one; an engine that restarts meanwhile is waited for.

        Raises:
            TimeoutError: not within the time.
            EngineNotReachable: it was away for longer than `PATIENCE_S`.
        """
        deadline = time.monotonic() + timeout_s
        while (answer := self._poll_patiently(job_id)).status_code == httpx2.codes.ACCEPTED:
            if time.monotonic() > deadline:
                raise TimeoutError(f"The job has no result after {timeout_s:g} s.")
            state = answer.json()
            if progress is not None:
                stage = state.get("stage") or state.get("status") or "waiting"
                progress(Progress(stage, float(state.get("progress") or 0.0)))
            time.sleep(min(retry_after_s(answer, POLL_INTERVAL_S), POLL_INTERVAL_S))
        result: dict[str, Any] = answer.json()
        return result

    def download(self, url: str, path: Path, progress: OnBytes | None = None) -> None:
        """Fetch a file; it has its name only once it is whole."""
        part = path.with_name(f"{path.name}.part")

        def fetch() -> httpx2.Response:
            with self._transport.http.stream("GET", url) as answer, part.open("wb") as file:
                if answer.is_error:
                    answer.read()
                    return answer
                size = int(answer.headers.get("Content-Length", 0))
                for piece in answer.iter_bytes(CHUNK_BYTES):
                    file.write(piece)
                    if progress is not None and size:
                        progress(file.tell() / size)
                return answer

        try:
            raise_for_refusal(with_retries(fetch))
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def segment(
        self,
        scan: Path,
        meshes: Sequence[str] = ("mandible",),
        folder: Path = Path(),
        progress: OnProgress | None = None,
    ) -> dict[str, Any]:
        """Send a scan (a file, or a folder of slices), wait, and save a mesh per structure as FOLDER/<structure>.stl.

        Returns:
            The job's result, as the engine gave it.
        """
        report = progress or (lambda _: None)
        outputs = {"meshes": [{"extension": ".stl", "structures": [name]} for name in meshes]}
        with one_file(scan) as file:
            job = self.submit({"cbct": {"extension": extension_of(file)}}, outputs)
            upload = job.uploads["cbct"]
            self.upload(upload.url, file, lambda fraction: report(Progress("upload", fraction)))
        self.notify(upload.notify_url)
        result = self.wait(job.id, report)
        self.save_meshes(result, folder, report)
        return result

    def save_meshes(self, result: Mapping[str, Any], folder: Path, progress: OnProgress | None = None) -> list[Path]:
        """Download the meshes that a result has, each named after its structures."""
        report = progress or (lambda _: None)
        folder.mkdir(parents=True, exist_ok=True)
        saved = []
        for mesh in result.get("outputFiles", {}).get("meshes", []):
            if mesh["status"] == "Available" and mesh.get("url"):
                path = folder / f"{'+'.join(mesh['structures'])}{mesh['extension']}"
                self.download(mesh["url"], path, lambda fraction: report(Progress("download", fraction)))
                saved.append(path)
        return saved

    def _poll_patiently(self, job_id: str) -> httpx2.Response:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self._poll(job_id)
            except EngineNotReachable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_INTERVAL_S)

    def _poll(self, job_id: str) -> httpx2.Response:
        return self._transport.call("GET", f"{self.base_url}/pollJobResults", params={"jobId": job_id})


def _pieces(file: BinaryIO, progress: OnBytes | None) -> Iterator[bytes]:
    size = os.fstat(file.fileno()).st_size
    while piece := file.read(CHUNK_BYTES):
        yield piece
        if progress is not None:
            with contextlib.suppress(ZeroDivisionError):
                progress(file.tell() / size)
