"""1.4: input files."""

from functools import partial

from gnathos.conformance.check import Level, Section
from gnathos.conformance.jobs import BY_URL, DOWNLOAD_PATH, EVERY_SCAN_FORMAT, MIXED, SURFACE_PATH, body
from gnathos.conformance.run import Run
from gnathos.conformance.server import Job
from gnathos.conformance.verdicts import REFUSED, expect, require

section = Section("1.4")

SURFACE_FORMATS = (".stl", ".ply", ".obj", ".zip")


def _reads_scans(extension: str, run: Run) -> None:
    ended = run.ended(extension)
    require(ended.result.get("success") is True, f"a scan as {extension} ended with {ended.answer.text[:300]}")


def _takes_surfaces(key: str, extension: str, run: Run) -> None:
    given = body()
    given["inputFiles"][key] = {"extension": extension}
    Job.of(run.server.post_job(given)).upload_url(key)


for each in EVERY_SCAN_FORMAT:
    section.add(f"`cbct` as `{each}` is read", Level.CONTRACT, partial(_reads_scans, each))
for name in ("ios_upper", "ios_lower"):
    for each in SURFACE_FORMATS:
        section.add(f"`{name}` as `{each}` is taken", Level.CONTRACT, partial(_takes_surfaces, name, each))
for each in SURFACE_FORMATS:
    section.add(f"`facial` as `{each}` is taken", Level.TOLERANT, partial(_takes_surfaces, "facial", each))


@section.contract("`extension` is required")
def requires_extensions(run: Run) -> None:
    expect(run.server.post_job({**body(), "inputFiles": {"cbct": {}}}), REFUSED)


@section.contract("an empty `downloadUrl` means an upload")
def takes_empty_urls(run: Run) -> None:
    given = body()
    given["inputFiles"]["cbct"]["downloadUrl"] = ""
    run.server.submit(given).upload_url("cbct")


@section.contract("a `downloadUrl` is fetched; a job with no others starts right after its submission")
def fetches_inputs(run: Run) -> None:
    ended = run.ended(BY_URL)
    run.receiver.wait_for("GET", DOWNLOAD_PATH)
    require(ended.result.get("success") is True, f"it ended with {ended.answer.text[:300]}")


@section.contract("an input with a `downloadUrl` has no upload URL")
def offers_no_upload(run: Run) -> None:
    require("cbct" not in run.ended(BY_URL).job.urls, "the answer has `presignedUploadUrl.cbct` all the same")


@section.contract("in one job some inputs may be fetched and others uploaded")
def mixes_inputs(run: Run) -> None:
    ended = run.ended(MIXED)
    run.receiver.wait_for("GET", SURFACE_PATH)
    require(ended.result.get("success") is True, f"it ended with {ended.answer.text[:300]}")


@section.tolerant("an unknown input is refused")
def refuses_unknown_inputs(run: Run) -> None:
    expect(run.server.post_job({**body(), "inputFiles": {"hologram": {"extension": ".dcm"}}}), REFUSED)


@section.tolerant("an unknown extension is refused")
def refuses_unknown_extensions(run: Run) -> None:
    expect(run.server.post_job(body(".docx")), REFUSED)
