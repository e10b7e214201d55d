"""The server that is looked at: calls with and without a token, and the steps of a job."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import httpx2

from gnathos.conformance.verdicts import Broken, expect, json_of, require

TIMEOUT_S = 60.0
POLL_INTERVAL_S = 0.5
LONGEST_PAUSE_S = 30.0
MOST_PAUSES = 5
"""How often a request is repeated that came too early (429)."""

Body = dict[str, Any]


@dataclass(frozen=True)
class Access:
    """Where the server is and who asks."""

    url: str
    client_id: str
    client_secret: str
    version: str
    token_url: str
    audience: str

    def grant(self, **changes: str) -> dict[str, str]:
        """The body of a request for a token."""
        return {
            "grant_type": "client_credentials",
            "audience": self.audience,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            **changes,
        }


@dataclass(frozen=True)
class Job:
    """A job that was submitted."""

    id: str
    urls: Mapping[str, Mapping[str, str]]
    """`presignedUploadUrl` and `notifyFinishUploadUrl` by the input's key."""

    @classmethod
    def of(cls, answer: httpx2.Response) -> Self:
        """Read the answer to a submission.

        Raises:
            Broken: it is not what the documentation shows.
        """
        content = json_of(expect(answer, 200, "POST /job"))
        require(isinstance(content, dict) and isinstance(content.get("jobId"), str), "the answer has no `jobId`")
        urls = content.get("presignedUploadUrl") or {}
        require(isinstance(urls, dict), "`presignedUploadUrl` is not an object")
        return cls(content["jobId"], urls)

    def upload_url(self, key: str) -> str:
        """Where an input is sent.

        Raises:
            Broken: the answer did not say.
        """
        return self._url(key, "presignedUploadUrl")

    def notify_url(self, key: str) -> str:
        """Where its end is told.

        Raises:
            Broken: the answer did not say.
        """
        return self._url(key, "notifyFinishUploadUrl")

    def _url(self, key: str, name: str) -> str:
        url = (self.urls.get(key) or {}).get(name)
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise Broken(f"the answer has no URL under presignedUploadUrl.{key}.{name}")
        return url


class Server:
    """Calls one server."""

    def __init__(self, access: Access, job_timeout_s: float) -> None:
        self.access = access
        self.submitted: list[str] = []
        """Ids of the jobs that were made."""
        self._job_timeout_s = job_timeout_s
        self._http = httpx2.Client(timeout=TIMEOUT_S)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @cached_property
    def token(self) -> str:
        """One token for all calls.

        Raises:
            Broken: there is none to be had.
        """
        answer = expect(self.send("POST", self.access.token_url, json=self.access.grant()), 200, "the token endpoint")
        token = json_of(answer).get("access_token")
        if not isinstance(token, str):
            raise Broken("the token endpoint's answer has no `access_token`")
        return token

    def send(self, method: str, url: str, **given: Any) -> httpx2.Response:
        """A call without a token; one that came too early is repeated.

        Raises:
            Broken: there is no answer.
        """
        for _ in range(MOST_PAUSES):
            try:
                answer = self._http.request(method, url, **given)
            except httpx2.TransportError as error:
                raise Broken(f"no answer: {error or type(error).__name__}") from None
            pause = answer.headers.get("Retry-After", "")
            if answer.status_code != httpx2.codes.TOO_MANY_REQUESTS or not pause.isdigit():
                return answer
            time.sleep(min(float(pause), LONGEST_PAUSE_S))
        return answer

    def call(self, method: str, url: str, headers: Mapping[str, str] | None = None, **given: Any) -> httpx2.Response:
        """A call with the token."""
        return self.send(method, url, headers={**(headers or {}), "Authorization": f"Bearer {self.token}"}, **given)

    def route(self, path: str, version: str | None = None) -> str:
        """The URL of a route of the version that is looked at."""
        return f"{self.access.url}/{version or self.access.version}/{path}"

    def post_job(
        self, body: Body, route: str = "job", version: str | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """Submit; the job is remembered, to be deleted later."""
        answer = self.call("POST", self.route(route, version), headers, json=body)
        if answer.status_code == httpx2.codes.OK and "jobId" in answer.text:
            self.submitted.append(Job.of(answer).id)
        return answer

    def submit(self, body: Body) -> Job:
        """Submit.

        Raises:
            Broken: it is refused.
        """
        return Job.of(self.post_job(body))

    def upload(self, job: Job, key: str, content: bytes) -> httpx2.Response:
        """PUT an input, without a token."""
        return expect(self.send("PUT", job.upload_url(key), content=content), range(200, 300), "PUT to the upload URL")

    def notify(self, job: Job, key: str, method: str = "PUT") -> httpx2.Response:
        """Tell that it is there."""
        answer = self.call(method, job.notify_url(key))
        return expect(answer, range(200, 300), f"{method} to the notification URL")

    def poll(self, job_id: str, **parameters: Any) -> httpx2.Response:
        """Ask for the result."""
        return self.call("GET", self.route("pollJobResults"), params={"jobId": job_id, **parameters})

    def wait(self, job_id: str) -> httpx2.Response:
        """The answer with the result, once there is one.

        Raises:
            Broken: not within the time, or the answer is an error.
        """
        deadline = time.monotonic() + self._job_timeout_s
        while (answer := expect(self.poll(job_id), {200, 202}, "GET /pollJobResults")).status_code != httpx2.codes.OK:
            if time.monotonic() > deadline:
                raise Broken(f"the job has no result after {self._job_timeout_s:g} s: {answer.text[:200]}")
            time.sleep(POLL_INTERVAL_S)
        return answer

    def forget_jobs(self) -> None:
        """Delete the jobs that were made, where the server can."""
        for job_id in self.submitted:
            answer = self.call("DELETE", self.route(f"jobs/{job_id}"))
            if not answer.is_success:
                return
