"""The quick start, step by step."""

import uuid

from gnathos.conformance.check import Section
from gnathos.conformance.jobs import MANDIBLE, QUICK_START
from gnathos.conformance.meshes import triangle_count
from gnathos.conformance.run import Run
from gnathos.conformance.verdicts import expect, require

section = Section("quick start")


@section.contract("1. POST /job with its body is answered 200 with a `jobId`, which is a UUID")
def submits(run: Run) -> None:
    uuid.UUID(run.ended(QUICK_START).job.id)


@section.contract("1. the answer has `presignedUploadUrl.cbct.presignedUploadUrl` and `.notifyFinishUploadUrl`")
def names_urls(run: Run) -> None:
    job = run.ended(QUICK_START).job
    job.upload_url("cbct")
    job.notify_url("cbct")


@section.contract("2. the scan is PUT to the upload URL without a token, and PUT to the notification URL tells so")
def takes_the_scan(run: Run) -> None:
    run.ended(QUICK_START)  # begun only where both were answered 2xx


@section.contract("3. the poll is answered 202 while the job is processed")
def processes(run: Run) -> None:
    expect(run.ended(QUICK_START).first_poll, 202, "the poll after the notification")


@section.contract("3. then 200 with `success` and `outputFiles.meshes`")
def answers(run: Run) -> None:
    ended = run.ended(QUICK_START)
    require(ended.result.get("success") is True, f"`success` is {ended.result.get('success')!r}")
    require(len(ended.meshes) == 1, f"one mesh was asked for, {len(ended.meshes)} are listed")


@section.contract("3. the mesh has `status`, `size`, `extension` and `structures` as asked for")
def lists_the_mesh(run: Run) -> str:
    (mesh,) = run.ended(QUICK_START).meshes
    for key, wanted in MANDIBLE.items():
        require(mesh.get(key) == wanted, f"`{key}` is {mesh.get(key)!r}, not {wanted!r}")
    require({"status", "size"} <= mesh.keys(), f"the mesh has only {sorted(mesh)}")
    return str(mesh["status"])


@section.contract("4. the mesh is downloaded from its `url` without a token, and is an STL")
def gives_the_mesh(run: Run) -> str:
    (mesh,) = run.ended(QUICK_START).available()
    answer = expect(run.server.send("GET", mesh["url"]), 200, "GET of the download URL")
    return f"{triangle_count(answer.content)} triangles"
