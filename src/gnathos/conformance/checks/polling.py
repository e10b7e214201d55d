"""1.10: polling."""

from gnathos.conformance.check import Section
from gnathos.conformance.jobs import QUICK_START, body
from gnathos.conformance.run import Run
from gnathos.conformance.verdicts import expect, json_of, require

section = Section("1.10")


@section.contract("202 while the job is processed, 200 with JSON when it has ended")
def polls(run: Run) -> None:
    ended = run.ended(QUICK_START)
    expect(ended.first_poll, 202)
    require(isinstance(json_of(expect(ended.answer, 200)), dict), "the result is not a JSON object")


@section.contract("a job that has ended is answered again")
def answers_again(run: Run) -> None:
    ended = run.ended(QUICK_START)
    again = json_of(expect(run.server.poll(ended.job.id), 200))
    require(again.get("success") == ended.result.get("success"), "the second answer differs")


@section.tolerant("202 before all inputs are notified")
def waits_for_uploads(run: Run) -> None:
    expect(run.server.poll(run.server.submit(body()).id), 202)


@section.tolerant("404 for a job that is not known")
def knows_no_others(run: Run) -> None:
    expect(run.server.poll("00000000-0000-4000-8000-000000000000"), 404)
