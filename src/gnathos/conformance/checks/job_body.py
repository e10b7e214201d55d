"""1.3: the body of a job, top level."""

import uuid

from gnathos.conformance.check import Section
from gnathos.conformance.jobs import BY_URL, WEBHOOK_PATH, body
from gnathos.conformance.run import Run
from gnathos.conformance.verdicts import REFUSED, expect, require

section = Section("1.3")


@section.contract("`inputFiles` is required")
def requires_inputs(run: Run) -> None:
    expect(run.server.post_job({"outputFiles": body()["outputFiles"]}), REFUSED)


@section.contract("`outputFiles` is required")
def requires_outputs(run: Run) -> None:
    expect(run.server.post_job({"inputFiles": body()["inputFiles"]}), REFUSED)


@section.contract("`options` may be given")
def takes_options(run: Run) -> None:
    expect(run.server.post_job(body(options={})), 200)


@section.contract("`finishWebhook` is sent a POST with JSON when the job is done")
def calls_webhooks(run: Run) -> None:
    run.ended(BY_URL)
    sent = run.receiver.wait_for("POST", WEBHOOK_PATH)
    kind = sent.headers.get("content-type", "")
    require(kind.startswith("application/json"), f"its Content-Type is {kind!r}")


@section.contract("`externalJobId` may be given (deprecated)")
def takes_external_ids(run: Run) -> None:
    expect(run.server.post_job(body(externalJobId=str(uuid.uuid4()))), 200)


@section.contract("`cloudPackage` may be given")
def takes_packages(run: Run) -> None:
    expect(run.server.post_job(body(cloudPackage="testing")), 200)


@section.contract("`endUserId` may be given")
def takes_end_users(run: Run) -> None:
    expect(run.server.post_job(body(endUserId="dentist 7")), 200)


@section.tolerant("an `externalJobId` is unique: the second job with it is refused")
def keeps_external_ids_unique(run: Run) -> None:
    given = body(externalJobId=str(uuid.uuid4()))
    expect(run.server.post_job(given), 200)
    expect(run.server.post_job(given), REFUSED, "the second job")


@section.tolerant("the caller's `externalJobId` finds the job when it is polled")
def finds_external_ids(run: Run) -> None:
    chosen = f"case {uuid.uuid4()}"
    run.server.submit(body(externalJobId=chosen))
    expect(run.server.poll(chosen), {200, 202})


@section.tolerant("a body that is not JSON is refused")
def refuses_other_bodies(run: Run) -> None:
    expect(run.server.call("POST", run.server.route("job"), content=b"{,}"), REFUSED)
