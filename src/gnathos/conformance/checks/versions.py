"""1.1: host, region, version, path."""

from functools import partial

from gnathos.conformance.check import Level, Section
from gnathos.conformance.jobs import QUICK_START, body
from gnathos.conformance.run import Run
from gnathos.conformance.verdicts import expect, require

section = Section("1.1")


def _serves_job(version: str, run: Run) -> None:
    expect(run.server.post_job(body(), version=version), 200, f"POST /{version}/job")


section.add("`24.06` answers POST /job", Level.CONTRACT, partial(_serves_job, "24.06"))


@section.contract("GET /pollJobResults takes the id as `jobId`")
def polls(run: Run) -> None:
    expect(run.server.poll(run.ended(QUICK_START).job.id), 200)


@section.contract("the notification URL is one for each input file")
def notifies_each_input(run: Run) -> None:
    given = body()
    given["inputFiles"]["ios_upper"] = {"extension": ".stl"}
    job = run.server.submit(given)
    require(job.notify_url("cbct") != job.notify_url("ios_upper"), "two inputs have the same notification URL")


@section.tolerant("an unknown version is not found (404)")
def refuses_unknown_versions(run: Run) -> None:
    expect(run.server.post_job(body(), version="19.01"), 404)
