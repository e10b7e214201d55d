"""1.13: where the documentation contradicts itself."""

from functools import partial

from gnathos.conformance import samples
from gnathos.conformance.check import Level, Section
from gnathos.conformance.jobs import ANATOMY_MISSING, OLD_OPTIONS, QUICK_START, body
from gnathos.conformance.run import Run
from gnathos.conformance.verdicts import expect, json_of, require

section = Section("1.13")


@section.tolerant("the notification may be a POST, and may be repeated")
def notified_either_way(run: Run) -> None:
    job = run.server.submit(body())
    run.server.upload(job, "cbct", samples.volume(".dcm").content)
    for method in ("POST", "PUT", "POST"):
        run.server.notify(job, "cbct", method)


def _names_twice(one: str, other: str, run: Run) -> None:
    urls = run.server.submit(body()).urls.get("cbct", {})
    require(urls.get(one) and urls.get(one) == urls.get(other), f"`{other}` is {urls.get(other)!r}")


for one, other in (("notifyFinishUploadUrl", "notifyUrl"), ("presignedUploadUrl", "uploadUrl")):
    section.add(f"`{other}` is the same as `{one}`", Level.TOLERANT, partial(_names_twice, one, other))


@section.tolerant("`downloadUrl` of a mesh is the same as `url`")
def names_downloads_twice(run: Run) -> None:
    (mesh,) = run.ended(QUICK_START).available()
    require(mesh.get("downloadUrl") == mesh.get("url"), f"`downloadUrl` is {mesh.get('downloadUrl')!r}")


@section.tolerant("the status word `Success` is never used")
def says_available(run: Run) -> None:
    found = {mesh.get("status") for name in (QUICK_START, ANATOMY_MISSING) for mesh in run.ended(name).meshes}
    require("Success" not in found, f"statuses are {found}")


@section.tolerant("the upper jaw as `maxillary`, `maxillary-complex`, `maxillary_complex`")
def knows_the_upper_jaw(run: Run) -> None:
    for name in ("maxillary", "maxillary-complex", "maxillary_complex"):
        expect(run.server.post_job(body(meshes=[{"extension": ".stl", "structures": [name]}])), 200, name)


@section.tolerant("structures with hyphens")
def takes_hyphens(run: Run) -> None:
    expect(run.server.post_job(body(meshes=[{"extension": ".stl", "structures": ["left-nerve"]}])), 200)


@section.tolerant("option groups with underscores")
def takes_underscores(run: Run) -> None:
    groups = ("maxillary_complex", "soft_tissue", "maxillary_sinus")
    expect(run.server.post_job(body(options={group: {"smoothingIterations": 1} for group in groups})), 200)


@section.tolerant("extensions with and without a dot, in any case, with `.gz`")
def takes_every_spelling(run: Run) -> None:
    for extension in ("dcm", ".DCM", "Zip", "nii.gz", ".NRRD.GZ"):
        expect(run.server.post_job(body(extension)), 200, extension)


@section.tolerant("`v2` answers POST /generic-job")
def answers_generic_jobs(run: Run) -> None:
    expect(run.server.post_job(body(), "generic-job", "v2"), 200)


@section.tolerant("`smoothingFactor` on a CalVer version is refused, or ignored with a warning")
def warns_of_old_options(run: Run) -> str:
    given = body(options={"mandible": {"smoothingFactor": 0.5}})
    if run.server.post_job(given).status_code in range(400, 500):
        return "refused"
    warnings = run.ended(OLD_OPTIONS).result.get("warnings")
    require(warnings, f"`warnings` is {warnings!r}")
    return "ignored with a warning"


@section.tolerant("`smoothingFactor` and `decimationFactor` are taken on `v2`")
def takes_old_options(run: Run) -> None:
    given = body(options={"mandible": {"smoothingFactor": 0.5, "decimationFactor": 0.5}})
    answer = expect(run.server.post_job(given, "generic-job", "v2"), 200)
    require("jobId" in json_of(answer), "the answer has no `jobId`")
