"""1.12: how results are delivered."""

import json
from typing import Any

from gnathos.conformance.check import Section
from gnathos.conformance.jobs import BY_URL, QUICK_START, WEBHOOK_PATH
from gnathos.conformance.run import Run
from gnathos.conformance.verdicts import Broken, expect, require

section = Section("1.12")

SIGNED_KEYS = {"url", "downloadUrl"}
"""Each answer may sign them anew."""


@section.contract("the webhook's JSON is the poll's")
def sends_the_same(run: Run) -> None:
    polled = run.ended(BY_URL).result
    sent = run.receiver.wait_for("POST", WEBHOOK_PATH)
    try:
        told = json.loads(sent.body)
    except ValueError:
        raise Broken(f"the webhook's body is not JSON: {sent.body[:100]!r}") from None
    require(_unsigned(told) == _unsigned(polled), "they differ in more than signed URLs")


@section.tolerant("a download URL that was tampered with is refused")
def refuses_tampered_downloads(run: Run) -> None:
    url = run.ended(QUICK_START).available()[0]["url"]
    other = url[:-1] + ("A" if url[-1] != "A" else "B")
    expect(run.server.send("GET", other), {400, 403})


def _unsigned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unsigned(each) for key, each in value.items() if key not in SIGNED_KEYS}
    return [_unsigned(each) for each in value] if isinstance(value, list) else value
