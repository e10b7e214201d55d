"""1.6: upload and notification."""

import time
from collections.abc import Iterator
from functools import partial

from gnathos.conformance import samples
from gnathos.conformance.check import Level, Section
from gnathos.conformance.jobs import body
from gnathos.conformance.run import Run
from gnathos.conformance.verdicts import expect, require

section = Section("1.6")

TAKEN = range(200, 300)
MOMENT_S = 2.0
"""In which a server would start a job that it should not start yet."""

HEADERS = {
    "without a Content-Type, as curl --upload-file": {},
    "as application/octet-stream, as Python's requests": {"Content-Type": "application/octet-stream"},
    "as application/x-www-form-urlencoded, as axios": {"Content-Type": "application/x-www-form-urlencoded"},
}


def _takes(headers: dict[str, str], run: Run) -> None:
    url = run.server.submit(body()).upload_url("cbct")
    expect(run.server.send("PUT", url, content=b"scan", headers=headers), TAKEN)


for name, given in HEADERS.items():
    section.add(f"an upload {name}", Level.CONTRACT, partial(_takes, given))


@section.contract("no Authorization is needed for it; the notification is a PUT with an empty body")
def notified_by_put(run: Run) -> None:
    job = run.server.submit(body())
    run.server.upload(job, "cbct", samples.volume(".dcm").content)
    run.server.notify(job, "cbct", "PUT")


@section.contract("processing starts only when all inputs are notified")
def waits_for_all(run: Run) -> None:
    given = body(".nii.gz")
    given["inputFiles"]["ios_upper"] = {"extension": ".stl"}
    job = run.server.submit(given)
    run.server.upload(job, "cbct", samples.volume(".nii.gz").content)
    run.server.upload(job, "ios_upper", samples.surface(".stl").content)
    run.server.notify(job, "cbct")
    time.sleep(MOMENT_S)
    waiting = expect(run.server.poll(job.id), 202, "the poll before the last notification")
    require('"running"' not in waiting.text, f"it runs already: {waiting.text[:200]}")
    run.server.notify(job, "ios_upper")
    run.server.wait(job.id)


@section.tolerant("an upload in chunks, without a Content-Length")
def takes_chunks(run: Run) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"sc"
        yield b"an"

    url = run.server.submit(body()).upload_url("cbct")
    expect(run.server.send("PUT", url, content=pieces()), TAKEN)


@section.tolerant("a second upload before the notification replaces the first")
def replaces(run: Run) -> None:
    job = run.server.submit(body())
    for content in (b"first", b"second"):
        run.server.upload(job, "cbct", content)


@section.tolerant("an upload URL that was tampered with is refused (403)")
def refuses_tampered_uploads(run: Run) -> None:
    url = run.server.submit(body()).upload_url("cbct")
    other = url[:-1] + ("A" if url[-1] != "A" else "B")
    expect(run.server.send("PUT", other, content=b"scan"), {400, 403})
