"""Every call of the API as a conversation: what is asked, what is tried again, and what comes of it."""

import tempfile
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gnathos.client.conversation import (
    ATTEMPTS,
    LEAST_ERROR,
    RETRIED_STATUSES,
    Answer,
    Conversation,
    Pause,
    Request,
    Work,
    ask,
    hear,
    refusal,
    retry_after_s,
)
from gnathos.client.jobs import (
    Job,
    JobSummary,
    OnBytes,
    OnProgress,
    Processing,
    Progress,
    Result,
    files_of,
    is_available,
)
from gnathos.client.saving import Names
from gnathos.client.slices import extension_of, zip_folder
from gnathos.errors import EngineNotReachable, ScanError

RENEW_BEFORE_S = 60
"""A token that ends so soon is not used for another call."""
PATIENCE_S = 60.0
"""How long an engine may be away while its job is waited for."""
WAIT_S = 20
"""How long the engine may hold a poll back until the job ends; an engine that knows of no `wait` answers at once."""
WATCH_S = 1
"""The same, where somebody wants to see progress."""
SHORTEST_POLL_S = 1.0
LONGEST_POLL_S = 10.0
RESUMED_BYTES = 32 << 20
"""From this size on, it is worth asking whether an upload can be gone on with after a break."""
UNAUTHORIZED = 401
CONFLICT = 409
ACCEPTED = 202
OLD_VERSIONS = {"v1", "v2"}
"""Call the route that submits `/generic-job`."""


class Calls:
    """The calls of one client, with the token that they share."""

    def __init__(self, url: str, version: str, token_url: str | None, grant: Mapping[str, str]) -> None:
        url = url.rstrip("/")
        self._base = f"{url}/{version}"
        self._submit_url = f"{self._base}/{'generic-job' if version in OLD_VERSIONS else 'job'}"
        self._token_url = token_url or f"{url}/oauth/token"
        self._grant = grant
        self._token = ""
        self._token_ends_at = 0.0

    def token(self) -> Conversation[str]:
        """An access token that is good for a while: the last one, or a new one.

        Raises:
            EngineRefused: the credentials are not known.
            EngineNotReachable: no answer.
        """
        if time.monotonic() > self._token_ends_at - RENEW_BEFORE_S:
            content = (yield from ask(Request("POST", self._token_url, json=dict(self._grant)))).json()
            self._token = content["access_token"]
            self._token_ends_at = time.monotonic() + float(content.get("expires_in", RENEW_BEFORE_S * 2))
        return self._token

    def submit(
        self,
        inputs: Mapping[str, Mapping[str, Any]],
        outputs: Mapping[str, Any],
        options: Mapping[str, Any] | None = None,
        *,
        webhook: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> Conversation[Job]:
        """Submit a job; once, also when the connection is lost meanwhile.

        Args:
            inputs: the contract's `inputFiles`, as `{"cbct": {"extension": ".dcm"}}`.
            outputs: its `outputFiles`, as `{"meshes": [{"extension": ".stl", "structures": ["mandible"]}]}`.
            options: its `options`.
            webhook: its `finishWebhook`: the URL that the result is sent to.
            more: other keys of the body.

        Raises:
            EngineRefused: the engine does not take it; says why.
            EngineNotReachable: no answer.
        """
        body: dict[str, Any] = {"inputFiles": inputs, "outputFiles": outputs, **(more or {})}
        body |= {"options": options} if options else {}
        body |= {"finishWebhook": webhook} if webhook else {}
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        answer = yield from self._call(Request("POST", self._submit_url, json=body, headers=headers))
        return Job.from_answer(answer.json())

    def upload(self, url: str, path: str | Path, progress: OnBytes | None = None) -> Conversation[None]:
        """Send a file to an upload URL, a piece at a time.

        A large one goes on after a break where the engine can do that (the IETF's resumable uploads), and begins
        anew elsewhere.
        """
        path = Path(path)
        if path.stat().st_size >= RESUMED_BYTES:
            known = yield from hear(Request("HEAD", url))
            if "upload-offset" in known.headers:
                yield from _upload_on(url, path, known, progress)
                return
        yield from ask(Request("PUT", url, source=path, progress=progress))

    def notify(self, url: str) -> Conversation[None]:
        """Say that an input is there; the last one starts the job."""
        yield from self._call(Request("PUT", url))

    def poll(self, job_id: str) -> Conversation[Result | None]:
        """The job's result; None while there is none."""
        answer = yield from self._poll(job_id, {})
        return None if answer.status == ACCEPTED else answer.json()

    def wait(self, job_id: str, progress: OnProgress | None = None, timeout_s: float = 3600) -> Conversation[Result]:
        """The job's result, once there is one; an engine that restarts meanwhile is waited for.

        Raises:
            TimeoutError: not within the time.
            EngineNotReachable: it was away for longer than `PATIENCE_S`.
        """
        hold_s = WAIT_S if progress is None else WATCH_S
        deadline = time.monotonic() + timeout_s
        pause_s = SHORTEST_POLL_S
        while True:
            asked_at = time.monotonic()
            answer = yield from self._poll_patiently(job_id, {"wait": hold_s})
            if answer.status != ACCEPTED:
                result: Result = answer.json()
                return result
            if time.monotonic() > deadline:
                raise TimeoutError(f"The job has no result after {timeout_s:g} s.")
            if progress is not None:
                progress(_progress_of(answer.json()))
            if time.monotonic() - asked_at < hold_s / 2:  # an engine that does not hold answers back
                yield Pause(retry_after_s(answer, pause_s))
                pause_s = min(pause_s * 1.5, LONGEST_POLL_S)

    def download(self, url: str, path: str | Path, progress: OnBytes | None = None) -> Conversation[Path]:
        """Fetch a file; it has its name only once it is whole."""
        path = Path(path)
        part = path.with_name(f"{path.name}.part")
        try:
            yield from ask(Request("GET", url, target=part, progress=progress))
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return path

    def save(
        self, result: Result, folder: str | Path = ".", progress: OnProgress | None = None
    ) -> Conversation[list[Path]]:
        """Download every file that a result has; a mesh is named after its structures, others after their kind."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        names = Names()
        saved = []
        for kind, file in files_of(result):
            url = file.get("url") or file.get("downloadUrl")
            if is_available(file) and url:
                path = folder / names.name_of(kind, file)
                saved.append((yield from self.download(url, path, _as_bytes("download", progress))))
        return saved

    def send(
        self,
        scan: str | Path,
        outputs: Mapping[str, Any],
        options: Mapping[str, Any] | None = None,
        *,
        webhook: str | None = None,
        progress: OnProgress | None = None,
    ) -> Conversation[Job]:
        """Submit a job on one scan, upload it and notify: what is left is to wait.

        Args:
            scan: a file, or a folder of slices, which is sent as a zip.
            outputs: as of `submit`.
            options: as of `submit`.
            webhook: as of `submit`.
            progress: told how far the upload is.

        Raises:
            ScanError: there is no such file or folder, or nothing in it.
        """
        with tempfile.TemporaryDirectory(prefix="gnathos-zip-") as zipped:
            file = yield from _one_file(Path(scan), Path(zipped))
            inputs = {"cbct": {"extension": extension_of(file)}}
            job = yield from self.submit(inputs, outputs, options, webhook=webhook)
            yield from self.upload(job.uploads["cbct"].url, file, _as_bytes("upload", progress))
        yield from self.notify(job.uploads["cbct"].notify_url)
        return job

    def segment(
        self,
        scan: str | Path,
        meshes: Sequence[str] = ("mandible",),
        folder: str | Path = ".",
        *,
        extension: str = ".stl",
        options: Mapping[str, Any] | None = None,
        progress: OnProgress | None = None,
        timeout_s: float = 3600,
    ) -> Conversation[Result]:
        """Send a scan, wait, and save a mesh per structure as FOLDER/<structure>.stl.

        Args:
            scan: a file, or a folder of slices.
            meshes: structures; each becomes a mesh of its own.
            folder: where the meshes go; made if it is new.
            extension: format of the meshes.
            options: the contract's `options`.
            progress: told how far it is.
            timeout_s: how long the job may take.

        Returns:
            The job's result as the engine gave it; look at `success` and at each file's `status`.
        """
        outputs = {"meshes": [{"extension": extension, "structures": [name]} for name in meshes]}
        job = yield from self.send(scan, outputs, options, progress=progress)
        result = yield from self.wait(job.id, progress, timeout_s)
        yield from self.save(result, folder, progress)
        return result

    def jobs(self, states: Iterable[str] = (), limit: int = 50) -> Conversation[list[JobSummary]]:
        """The newest jobs, in these states if any are named; not every engine has this call."""
        found: list[JobSummary] = []
        cursor: str | None = None
        while len(found) < limit:
            params = {"state": list(states), "limit": min(limit - len(found), 200)}
            params |= {"cursor": cursor} if cursor else {}
            page = (yield from self._call(Request("GET", f"{self._base}/jobs", params=params))).json()
            found += page["jobs"]
            cursor = page.get("nextCursor")
            if not cursor:
                break
        return found

    def cancel(self, job_id: str) -> Conversation[None]:
        """End a job without a result; not every engine has this call."""
        yield from self._call(Request("POST", f"{self._base}/jobs/{job_id}/cancel"))

    def delete(self, job_id: str) -> Conversation[None]:
        """Cancel a job if it is open, and erase its files; not every engine has this call."""
        yield from self._call(Request("DELETE", f"{self._base}/jobs/{job_id}"))

    def _poll_patiently(self, job_id: str, params: Mapping[str, Any]) -> Conversation[Answer]:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return (yield from self._poll(job_id, params))
            except EngineNotReachable:
                if time.monotonic() > deadline:
                    raise
            yield Pause(SHORTEST_POLL_S)

    def _poll(self, job_id: str, params: Mapping[str, Any]) -> Conversation[Answer]:
        return (
            yield from self._call(Request("GET", f"{self._base}/pollJobResults", params={"jobId": job_id, **params}))
        )

    def _call(self, request: Request) -> Conversation[Answer]:
        """Ask with the token; with a new one if the engine no longer takes it."""
        answer = yield from hear((yield from self._with_token(request)))
        if answer.status == UNAUTHORIZED:
            self._token_ends_at = 0.0
            answer = yield from hear((yield from self._with_token(request)))
        if answer.status >= LEAST_ERROR:
            raise refusal(answer)
        return answer

    def _with_token(self, request: Request) -> Conversation[Request]:
        token = yield from self.token()
        return replace(request, headers={**request.headers, "Authorization": f"Bearer {token}"})


def _upload_on(url: str, path: Path, known: Answer, progress: OnBytes | None) -> Conversation[None]:
    """Send what the engine does not have yet, until it has all; `known` is its answer to HEAD."""
    failures = 0
    while known.headers.get("upload-complete") != "?1":
        offset = int(known.headers["upload-offset"])
        headers = {"Upload-Offset": str(offset), "Upload-Complete": "?1"}
        part = Request("PATCH", url, headers, source=path, source_offset=offset, progress=progress)
        try:
            answer = yield from hear(part, attempts=1)
        except EngineNotReachable:
            if failures == ATTEMPTS:
                raise
        else:
            if answer.status < LEAST_ERROR:
                return
            if answer.status not in {CONFLICT, *RETRIED_STATUSES} or failures == ATTEMPTS:
                raise refusal(answer)
            yield Pause(retry_after_s(answer, SHORTEST_POLL_S))
        known = yield from hear(Request("HEAD", url))
        if "upload-offset" not in known.headers:
            raise refusal(known)
        failures = failures + 1 if int(known.headers["upload-offset"]) == offset else 0


def _one_file(scan: Path, folder: Path) -> Conversation[Path]:
    """The scan itself, or a zip in `folder` of its slices."""
    if scan.is_file():
        return scan
    if not scan.is_dir():
        raise ScanError(f"There is no {scan}.", remedy="Check the path of the scan.")
    path = folder / "slices.zip"
    yield Work(lambda: zip_folder(scan, path))
    return path


def _progress_of(state: Processing) -> Progress:
    return Progress(state.get("stage") or state.get("status") or "waiting", float(state.get("progress") or 0.0))


def _as_bytes(stage: str, progress: OnProgress | None) -> OnBytes | None:
    return None if progress is None else lambda fraction: progress(Progress(stage, fraction))
