"""The API's own description, held against what a real engine answers to made-up requests, good and bad.

No answer is a server error, has a status, a content type or a header that is not described, or another body than that.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx2
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.engine import RunningEngine

from gnathos.api.app import create_app
from gnathos.settings import Settings

EXAMPLES = 10
"""Of each operation, good ones and bad ones, the same at every run."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

JOB = {
    "inputFiles": {"cbct": {"extension": ".nii.gz"}},
    "outputFiles": {"meshes": [{"extension": ".stl", "structures": ["mandible"]}]},
}

described = schemathesis.openapi.from_dict(
    create_app(Settings()).openapi(),
    config=SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "cache": {"enabled": False},
            "generation": {"max-examples": EXAMPLES, "deterministic": True, "database": "none", "no-shrink": True},
        }
    ),
)


@dataclass
class Caller:
    """Calls the engine with a token, and knows jobs and signed URLs that are real."""

    engine: RunningEngine
    token: str
    ended: dict[str, Any]
    """A result with a file."""
    turn: Iterator[int] = field(default_factory=itertools.count)
    seen: dict[str, set[int]] = field(default_factory=dict)
    """Statuses by operation."""

    def submit(self) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx2.post(f"{self.engine.url}/26.11/job", json=JOB, headers=headers).raise_for_status()
        return dict(answer.json())


@pytest.fixture(scope="module")
def caller(engine: RunningEngine, small_scan) -> Caller:
    client = engine.client()
    job = client.submit({"cbct": {"extension": ".dcm"}}, JOB["outputFiles"])
    client.upload(job.uploads["cbct"].url, small_scan)
    client.notify(job.uploads["cbct"].notify_url)
    return Caller(engine, engine.token(), client.wait(job.id))


def test_it_is_the_one_that_is_served(engine: RunningEngine) -> None:
    assert httpx2.get(f"{engine.url}/openapi.json").json() == create_app(Settings()).openapi()


@described.parametrize()
@pytest.mark.filterwarnings("ignore")
def test_every_answer_is_described(case: schemathesis.Case, caller: Caller) -> None:
    if next(caller.turn) % 2:  # made-up ids and signatures only ever lead to the same refusals
        make_real(case, caller)
    headers = {} if case.operation.path.startswith("/oauth") else {"Authorization": f"Bearer {caller.token}"}

    answer = case.call_and_validate(base_url=caller.engine.url, headers=headers, checks=CHECKS, timeout=60)

    caller.seen.setdefault(case.operation.label, set()).add(answer.status_code)


def test_the_requests_were_of_use(caller: Caller) -> None:
    """Runs last: most operations were called as they are meant to be, too, and the others refused what they should."""
    assert caller.seen, "run with the others of this file"
    served = {name for name, statuses in caller.seen.items() if any(status < 300 for status in statuses)}
    assert len(served) > 0.7 * len(caller.seen), sorted(set(caller.seen) - served)
    refused = {name for name, statuses in caller.seen.items() if any(400 <= status < 500 for status in statuses)}
    assert len(refused) > 0.7 * len(caller.seen), sorted(set(caller.seen) - refused)


def make_real(case: schemathesis.Case, caller: Caller) -> None:
    """Name a job or a file that is there."""
    path = case.operation.path
    if "/downloads/" in path:
        take_url(case, caller.ended["outputFiles"]["meshes"][0]["url"])
    elif "/uploads/" in path:
        take_url(case, caller.submit()["presignedUploadUrl"]["cbct"]["uploadUrl"])
    elif path.endswith("/pollJobResults") and isinstance(case.query, dict):
        case.query["jobId"] = caller.ended["jobId"]
    elif "{job_id}" in path:
        # Watching a job that waits takes as long as it waits.
        job_id = caller.ended["jobId"] if case.operation.method == "get" else caller.submit()["jobId"]
        case.path_parameters = {**(case.path_parameters or {}), "version": "26.11", "job_id": job_id, "key": "cbct"}
        if "key" not in path:
            del case.path_parameters["key"]


def take_url(case: schemathesis.Case, url: str) -> None:
    """Call this URL: its path's parts and its query."""
    parts = urlsplit(url)
    names = [part[1:-1] for part in case.operation.path.split("/") if part.startswith("{")]
    values = [unquote(part) for part in parts.path.split("/")[1:]]
    values.pop(1)  # `uploads` or `downloads`
    case.path_parameters = dict(zip(names, values, strict=True))
    case.query = dict(parse_qsl(parts.query))
