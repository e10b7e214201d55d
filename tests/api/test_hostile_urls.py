"""URLs that lead to where no client's URL may: refused with the job, before anything leaves the machine."""

from typing import Any

import pytest
from tests.transfers.hostile import AS_WRITTEN

PLACES = {
    "downloadUrl": "#/inputFiles/cbct/downloadUrl",
    "uploadUrl": "#/outputFiles/meshes/0/uploadUrl",
    "finishWebhook": "#/finishWebhook",
}
"""Where a job may name one, and what a refusal calls that place."""


def job_with(place: str, url: str) -> dict[str, Any]:
    given: dict[str, Any] = {"extension": ".dcm"}
    mesh: dict[str, Any] = {"extension": ".stl", "structures": ["mandible"]}
    body: dict[str, Any] = {"inputFiles": {"cbct": given}, "outputFiles": {"meshes": [mesh]}}
    {"downloadUrl": given, "uploadUrl": mesh, "finishWebhook": body}[place][place] = url
    return body


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("url", [url for url in AS_WRITTEN if url])  # an empty one is none
def test_a_job_that_names_it_is_refused(api, bearer, outbound, place: str, url: str) -> None:
    answer = api.call("POST", "/24.06/job", json=job_with(place, url), headers=bearer)

    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    problem = answer.json()
    assert problem["code"] == "url_refused"
    assert [each["pointer"] for each in problem["errors"]] == [PLACES[place]]
    assert url not in answer.text
    assert outbound == []


@pytest.mark.parametrize("url", [url for url in AS_WRITTEN if url])
def test_a_test_call_to_it_is_refused(api, bearer, outbound, url: str) -> None:
    answer = api.call("POST", "/26.11/webhooks/test", json={"url": url}, headers=bearer)

    assert (answer.status_code, answer.json()["code"]) == (400, "url_refused")
    assert outbound == []
