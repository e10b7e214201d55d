"""What this engine offers besides; other servers keep the contract without it."""

import base64
import hashlib
import uuid
from functools import partial
from typing import Any

from gnathos.conformance import samples
from gnathos.conformance.check import Level, Section
from gnathos.conformance.jobs import BEYOND, BY_URL, MANDIBLE, QUICK_START, UNREADABLE, WEBHOOK_PATH, body
from gnathos.conformance.run import Run
from gnathos.conformance.server import Job
from gnathos.conformance.verdicts import PROBLEM, REFUSED, Undecided, expect, json_of, require

section = Section("beyond")


FILES = {
    ("segmentations", 0): (".nii.gz", b"\x1f\x8b"),
    ("segmentations", 1): (".nrrd", b"NRRD"),
    ("segmentations", 2): (".dcm", b"\0" * 128 + b"DICM"),
    ("previews", 0): (".png", b"\x89PNG"),
    ("panoramic", 0): (".png", b"\x89PNG"),
    ("panoramic", 1): (".dcm", b"\0" * 128 + b"DICM"),
    ("volumes", 0): (".nii.gz", b"\x1f\x8b"),
    ("report", 0): (".json", b"{"),
    ("archive", 0): (".zip", b"PK"),
}
"""Of the job with outputs beyond the contract: extension and first bytes, by kind and place."""


@section.beyond("a token by a form, and by HTTP Basic")
def gives_tokens_otherwise(run: Run) -> None:
    access = run.server.access
    expect(run.server.send("POST", access.token_url, data=access.grant()), 200, "a form")
    pair = base64.b64encode(f"{access.client_id}:{access.client_secret}".encode()).decode()
    form = {"grant_type": "client_credentials"}
    expect(
        run.server.send("POST", access.token_url, data=form, headers={"Authorization": f"Basic {pair}"}), 200, "Basic"
    )


@section.beyond("discovery with the region, and the keys that tokens are signed with")
def can_be_discovered(run: Run) -> str:
    found = json_of(expect(run.server.send("GET", f"{run.server.access.url}/.well-known/openid-configuration"), 200))
    require(json_of(expect(run.server.send("GET", found["jwks_uri"]), 200)).get("keys"), "there are no keys")
    return f"region {found['region']}"


@section.beyond("errors are application/problem+json with `code`, `detail`, `remedy` and the place in the body")
def explains(run: Run) -> None:
    answer = run.server.post_job(body(".docx"))
    require(
        answer.headers.get("Content-Type") == PROBLEM, f"its Content-Type is {answer.headers.get('Content-Type')!r}"
    )
    problem = json_of(answer)
    require({"code", "detail", "remedy", "errors"} <= problem.keys(), f"the problem has only {sorted(problem)}")


@section.beyond("an unknown structure is answered with the nearest that is known")
def suggests(run: Run) -> None:
    answer = run.server.post_job(body(meshes=[{"extension": ".stl", "structures": ["mandibel"]}]))
    require("mandible" in str(json_of(answer).get("detail")), answer.text[:200])


@section.beyond("an unknown version is answered with those that are served")
def lists_versions(run: Run) -> None:
    answer = run.server.post_job(body(), version="19.01")
    require(run.server.access.version in answer.text, answer.text[:200])


@section.beyond("`?dryRun=true` checks a body without making a job")
def tries(run: Run) -> None:
    answer = run.server.call("POST", run.server.route("job"), params={"dryRun": "true"}, json=body())
    content = json_of(expect(answer, 200))
    require(content.get("valid") is True and "jobId" not in content, answer.text[:200])


@section.beyond("an `Idempotency-Key` makes a job once")
def makes_once(run: Run) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first, again = (Job.of(run.server.post_job(body(), headers=headers)) for _ in range(2))
    require(first.id == again.id, "the repetition made a second job")


@section.beyond("`cbct` as `.mha`, and surfaces with `.gz`")
def takes_more_formats(run: Run) -> None:
    given = body(".mha")
    given["inputFiles"]["ios_upper"] = {"extension": ".ply.gz"}
    expect(run.server.post_job(given), 200)


@section.beyond("a mesh as `.glb`")
def makes_glb(run: Run) -> None:
    expect(run.server.post_job(body(meshes=[{**MANDIBLE, "extension": ".glb"}])), 200)


@section.beyond("HEAD of the upload URL tells what is there")
def tells_uploads(run: Run) -> None:
    job = run.server.submit(body())
    run.server.upload(job, "cbct", b"1234567")
    found = expect(run.server.send("HEAD", job.upload_url("cbct")), 200)
    require(found.headers.get("Content-Length") == "7", f"Content-Length is {found.headers.get('Content-Length')!r}")


@section.beyond("an upload's digest is compared with what comes")
def compares_digests(run: Run) -> None:
    url = run.server.submit(body()).upload_url("cbct")
    for content, statuses in ((b"what was meant", range(200, 300)), (b"what came", REFUSED)):
        digest = base64.b64encode(hashlib.sha256(b"what was meant").digest()).decode()
        headers = {"Content-Digest": f"sha-256=:{digest}:"}
        expect(run.server.send("PUT", url, content=content, headers=headers), statuses)


@section.beyond("an upload in parts goes on from where it broke off")
def takes_parts(run: Run) -> None:
    url = run.server.submit(body()).upload_url("cbct")
    taken = range(200, 300)
    expect(run.server.send("PATCH", url, content=b"first", headers={"Upload-Offset": "0"}), taken, "the first part")
    head = expect(run.server.send("HEAD", url), taken)
    require(head.headers.get("Upload-Offset") == "5", f"Upload-Offset is {head.headers.get('Upload-Offset')!r}")
    last = {"Upload-Offset": "5", "Upload-Complete": "?1"}
    expect(run.server.send("PATCH", url, content=b" and last", headers=last), taken, "the last part")
    size = run.server.send("HEAD", url).headers.get("Content-Length")
    require(size == "14", f"Content-Length is {size!r}")


@section.beyond("an earlier job's input is taken again by `jobId`, without an upload")
def takes_inputs_again(run: Run) -> None:
    given = body()
    given["inputFiles"]["cbct"] = {"jobId": run.ended(QUICK_START).job.id}
    job = run.server.submit(given)
    require("cbct" not in job.urls, "the answer has an upload URL all the same")
    result = json_of(run.server.wait(job.id))
    require(result.get("success") is True, f"it ended with {result.get('error')}")


@section.beyond("a notification before any upload is refused with a reason")
def refuses_early_notifications(run: Run) -> None:
    answer = run.server.call("PUT", run.server.submit(body()).notify_url("cbct"))
    require(json_of(expect(answer, 409)).get("code") == "upload_missing", answer.text[:200])


@section.beyond("a poll's 202 has `stage`, `progress` and Retry-After")
def tells_progress(run: Run) -> None:
    poll = run.ended(QUICK_START).first_poll
    require({"stage", "progress"} <= json_of(poll).keys(), poll.text[:200])
    require(poll.headers.get("Retry-After", "").isdigit(), "it has no Retry-After")


@section.beyond("`pollJobResults?wait=` answers when the job ends")
def waits(run: Run) -> None:
    job = run.server.submit(body(".nii.gz"))
    run.server.upload(job, "cbct", samples.volume(".nii.gz").content)
    run.server.notify(job, "cbct")
    expect(run.server.poll(job.id, wait=50), 200)


@section.beyond("server-sent events of a job")
def sends_events(run: Run) -> None:
    answer = run.server.call("GET", run.server.route(f"jobs/{run.ended(QUICK_START).job.id}/events"))
    kind = expect(answer, 200).headers.get("Content-Type", "")
    require(kind.startswith("text/event-stream") and "event: finished" in answer.text, f"{kind}: {answer.text[:200]}")


@section.beyond("jobs are listed, and looked at one by one")
def lists_jobs(run: Run) -> None:
    job = run.ended(QUICK_START).job
    require(json_of(expect(run.server.call("GET", run.server.route("jobs")), 200)).get("jobs"), "the list is empty")
    found = json_of(expect(run.server.call("GET", run.server.route(f"jobs/{job.id}")), 200))
    require(found.get("jobId") == job.id, f"`jobId` is {found.get('jobId')!r}")


@section.beyond("a job is cancelled, and then polled as ended")
def cancels(run: Run) -> None:
    job = run.server.submit(body())
    expect(run.server.call("POST", run.server.route(f"jobs/{job.id}/cancel")), 200)
    result = json_of(expect(run.server.poll(job.id), 200))
    require(
        result.get("success") is False and result.get("state") == "cancelled", f"its state is {result.get('state')!r}"
    )


@section.beyond("a job is deleted, and then gone (410)")
def deletes(run: Run) -> None:
    job = run.server.submit(body())
    expect(run.server.call("DELETE", run.server.route(f"jobs/{job.id}")), 200)
    expect(run.server.poll(job.id), 410)


@section.beyond("a result has `jobId`, `state`, `warnings`, `coordinateSystem`, `receipt` and `region`")
def explains_results(run: Run) -> str:
    result = run.ended(QUICK_START).result
    wanted = {"jobId", "state", "warnings", "coordinateSystem", "receipt", "region"}
    require(wanted <= result.keys(), f"it has only {sorted(result)}")
    return str(result["coordinateSystem"])


@section.beyond("each mesh has `reason`, `confidence` and `sha256`")
def explains_meshes(run: Run) -> None:
    (mesh,) = run.ended(QUICK_START).meshes
    require({"reason", "confidence", "sha256"} <= mesh.keys(), f"it has only {sorted(mesh)}")


@section.beyond("a job that failed says why: `error.code`, `.detail`, `.remedy`")
def explains_failures(run: Run) -> str:
    error = run.ended(UNREADABLE).result.get("error") or {}
    require({"code", "detail", "remedy"} <= error.keys(), f"`error` is {error}")
    return str(error["code"])


@section.beyond("downloads take HEAD and Range")
def gives_ranges(run: Run) -> None:
    url = run.ended(QUICK_START).available()[0]["url"]
    expect(run.server.send("HEAD", url), 200)
    part = expect(run.server.send("GET", url, headers={"Range": "bytes=0-9"}), 206)
    require(len(part.content) == 10, f"ten bytes were asked for, {len(part.content)} came")


def _makes(kind: str, place: int, run: Run) -> None:
    file = run.ended(BEYOND).result["outputFiles"][kind][place]
    if file["status"] == "Missing":
        raise Undecided("nothing was found in the scan; give --scan a CT that shows a mandible")
    require(file["status"] == "Available", f"`status` is {file['status']!r}: {file.get('reason')}")
    content = run.server.send("GET", file["url"]).content
    require(content.startswith(FILES[kind, place][1]), f"the file begins with {content[:8]!r}")


for (kind, place), (extension, _) in FILES.items():
    section.add(f"`{kind}` as `{extension}`", Level.BEYOND, partial(_makes, kind, place))


@section.beyond("webhooks carry the headers of Standard Webhooks")
def signs_webhooks(run: Run) -> None:
    run.ended(BY_URL)
    headers = run.receiver.wait_for("POST", WEBHOOK_PATH).headers
    wanted = {"webhook-id", "webhook-timestamp", "webhook-signature"}
    require(wanted <= headers.keys(), f"missing: {sorted(wanted - headers.keys())}")


@section.beyond("webhooks' keys and messages are listed; a webhook can be tried")
def lists_webhooks(run: Run) -> None:
    for path in ("webhooks/keys", "webhooks/deliveries"):
        expect(run.server.call("GET", run.server.route(path)), 200, path)
    target: dict[str, Any] = {"url": f"{run.receiver.url}/test-call"}
    answer = json_of(expect(run.server.call("POST", run.server.route("webhooks/test"), json=target), 200))
    require(answer.get("delivered") is True, f"the test call was not delivered: {answer}")


def _is_there(path: str, run: Run) -> None:
    expect(run.server.send("GET", f"{run.server.access.url}{path}"), 200)


for path in ("/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs"):
    section.add(f"GET {path}", Level.BEYOND, partial(_is_there, path))
