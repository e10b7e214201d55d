"""1.11: the result's body."""

from gnathos.conformance.check import Section
from gnathos.conformance.jobs import ANATOMY_MISSING, FORMATS, QUICK_START, UNREADABLE
from gnathos.conformance.run import Run
from gnathos.conformance.verdicts import expect, require

section = Section("1.11")

STATUSES = {"Available", "Missing", "Failed"}


@section.contract("`success` is a boolean")
def says_success(run: Run) -> None:
    for name in (QUICK_START, UNREADABLE):
        found = run.ended(name).result.get("success")
        require(isinstance(found, bool), f"`success` is {found!r}")


@section.contract("each mesh has `status`, `size` as an integer, `extension`, `structures`")
def describes_meshes(run: Run) -> None:
    for mesh in [*run.ended(QUICK_START).meshes, *run.ended(ANATOMY_MISSING).meshes]:
        require({"status", "size", "extension", "structures"} <= mesh.keys(), f"a mesh has only {sorted(mesh)}")
        require(type(mesh["size"]) is int, f"`size` is {mesh['size']!r}")


@section.contract("`structures` and `extension` are as they were asked for, in the same order")
def echoes(run: Run) -> None:
    names = [mesh["structures"] for mesh in run.ended(ANATOMY_MISSING).meshes]
    wanted = ["mandible", "skull", "left_nerve", "right_nerve", "tooth11", "tooth18", "tooth38", "tooth46"]
    require(names == [[name] for name in wanted], f"`structures` are {names}")


@section.contract("`status` is `Available`, `Missing` or `Failed`")
def knows_three_statuses(run: Run) -> None:
    for name in (QUICK_START, ANATOMY_MISSING, FORMATS):
        found = {mesh.get("status") for mesh in run.ended(name).meshes}
        require(found <= STATUSES, f"a `status` is one of {found}")


@section.contract("`Available` has a `url` without a token, and `size` is the file's")
def gives_files(run: Run) -> None:
    for mesh in run.ended(QUICK_START).available():
        content = expect(run.server.send("GET", mesh["url"]), 200).content
        require(len(content) == mesh["size"], f"`size` is {mesh['size']}, the file has {len(content)} bytes")


@section.contract("`Missing` has no download, and does not make the job fail")
def gives_nothing_missing(run: Run) -> None:
    ended = run.ended(ANATOMY_MISSING)
    missing = [mesh for mesh in ended.meshes if mesh.get("status") == "Missing"]
    require(missing, "no mesh of a scan without a jaw is Missing")
    require(not any(mesh.get("url") for mesh in missing), "a Missing mesh has a `url`")
    require(ended.result.get("success") is True, "`success` is false")


@section.contract("a corrupt input ends the job with `success: false`")
def says_failure(run: Run) -> None:
    result = run.ended(UNREADABLE).result
    require(result.get("success") is False, f"`success` is {result.get('success')!r}")
    found = {mesh.get("status") for mesh in run.ended(UNREADABLE).result.get("outputFiles", {}).get("meshes", [])}
    require(found <= {"Failed"}, f"its meshes are {found}")
