"""One look at one server: what its checks share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx2

from gnathos.conformance.receiver import Receiver
from gnathos.conformance.samples import Sample
from gnathos.conformance.server import Body, Job, Server
from gnathos.conformance.verdicts import Broken, Undecided, expect, json_of, quote, require


@dataclass(frozen=True)
class Plan:
    """A job that several checks look at."""

    body: Body
    files: dict[str, Sample] = field(default_factory=dict)
    """To be uploaded, by the input's key."""


@dataclass(frozen=True)
class Ended:
    """A job that has ended, and what was answered on the way."""

    submitted: httpx2.Response
    first_poll: httpx2.Response
    """Right after the last notification."""
    answer: httpx2.Response
    """With the result."""

    @property
    def job(self) -> Job:
        """Its id and URLs."""
        return Job.of(self.submitted)

    @cached_property
    def result(self) -> dict[str, Any]:
        """The result.

        Raises:
            Broken: it is no JSON object.
        """
        found = json_of(self.answer)
        require(isinstance(found, dict), "the result is not a JSON object")
        return dict(found)

    @property
    def meshes(self) -> list[dict[str, Any]]:
        """`outputFiles.meshes`.

        Raises:
            Broken: there is no such list.
        """
        found = (self.result.get("outputFiles") or {}).get("meshes")
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise Broken("the result has no list `outputFiles.meshes`")
        return found

    def available(self) -> list[dict[str, Any]]:
        """The meshes that can be downloaded.

        Raises:
            Undecided: there is none.
        """
        found = [each for each in self.meshes if each.get("status") == "Available"]
        if not found:
            raise Undecided("nothing was found in the scan; give --scan a CT that shows a mandible")
        return found


@dataclass
class Run:
    """The server, what is sent to it, and the jobs that were begun."""

    server: Server
    scan: Sample
    """What is segmented."""
    _receiver: Receiver | None
    _begun: dict[str, Callable[[], Ended]] = field(default_factory=dict)

    @property
    def receiver(self) -> Receiver:
        """For the URLs that a job may name.

        Raises:
            Undecided: there is none that the server could reach.
        """
        if self._receiver is None:
            raise Undecided("needs --callback-url: a URL at which the server reaches this machine")
        return self._receiver

    def begin(self, name: str, make: "Callable[[Run], Plan]") -> None:
        """Submit a planned job and send its files; how it went is told to those who ask for it."""
        try:
            plan = make(self)
            submitted = self._submit(plan)
            job = Job.of(submitted)
            for key, sample in plan.files.items():
                self.server.upload(job, key, sample.content)
                self.server.notify(job, key)
            first_poll = self.server.poll(job.id)
        except (Broken, Undecided) as error:
            self._begun[name] = _raising(error)
        else:
            self._begun[name] = lambda: Ended(submitted, first_poll, self.server.wait(job.id))

    def ended(self, name: str) -> Ended:
        """A planned job, once it has ended.

        Raises:
            Broken: it could not be submitted, or never ended.
            Undecided: it could not be tried.
        """
        try:
            found = self._begun[name]()
        except (Broken, Undecided) as error:
            self._begun[name] = _raising(error)
            raise
        self._begun[name] = lambda: found
        return found

    def _submit(self, plan: Plan) -> httpx2.Response:
        answer = self.server.post_job(plan.body)
        names_us = self._receiver is not None and self._receiver.url in str(plan.body)
        if names_us and not answer.is_success:
            raise Undecided(f"the server refuses URLs of this machine: {quote(answer)}")
        return expect(answer, 200, "POST /job")


def _raising(error: Broken | Undecided) -> Callable[[], Ended]:
    def fail() -> Ended:
        raise error

    return fail


@contextmanager
def planned(run: Run, plans: "dict[str, Callable[[Run], Plan]]") -> Iterator[None]:
    """Begin all of them; delete every job of the run at the end, where the server can."""
    for name, make in plans.items():
        run.begin(name, make)
    try:
        yield
    finally:
        run.server.forget_jobs()
