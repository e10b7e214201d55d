"""1.5: the answer to a submission."""

import uuid

from gnathos.conformance.check import Section
from gnathos.conformance.jobs import body
from gnathos.conformance.run import Run
from gnathos.conformance.verdicts import expect, json_of, require

section = Section("1.5")


@section.contract("200 with JSON that has the job's UUID as `jobId`")
def answers_with_an_id(run: Run) -> None:
    content = json_of(expect(run.server.post_job(body()), 200))
    uuid.UUID(str(content.get("jobId")))


@section.contract("each input that is to be uploaded has `presignedUploadUrl` and `notifyFinishUploadUrl`")
def answers_for_each_input(run: Run) -> None:
    given = body()
    keys = ("ios_upper", "ios_lower")
    given["inputFiles"] |= {key: {"extension": ".stl"} for key in keys}
    job = run.server.submit(given)
    for key in ("cbct", *keys):
        require(job.upload_url(key) != job.notify_url(key), f"both URLs of {key} are the same")


@section.tolerant("the answer is strict JSON with a JSON Content-Type")
def answers_in_json(run: Run) -> None:
    kind = expect(run.server.post_job(body()), 200).headers.get("Content-Type", "")
    require(kind.startswith("application/json"), f"its Content-Type is {kind!r}")
