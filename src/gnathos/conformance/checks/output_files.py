"""1.7: output files."""

from functools import partial

from gnathos.conformance.check import Level, Section
from gnathos.conformance.jobs import BY_URL, FORMATS, MANDIBLE, MESH_FORMATS, UPLOAD_PATH, body
from gnathos.conformance.meshes import open_edges, require_format, triangle_count
from gnathos.conformance.run import Run
from gnathos.conformance.verdicts import REFUSED, expect, require

section = Section("1.7")


def _makes(extension: str, run: Run) -> None:
    expect(run.server.post_job(body(meshes=[{**MANDIBLE, "extension": extension}])), 200)
    found = [each for each in run.ended(FORMATS).available() if each["extension"] == extension]
    require(found, f"none of the meshes is Available as {extension}")
    require_format(run.server.send("GET", found[0]["url"]).content, extension)


for each in MESH_FORMATS:
    section.add(f"a mesh as `{each}`", Level.CONTRACT, partial(_makes, each))


@section.contract("several structures are merged into one mesh")
def merges(run: Run) -> str:
    mesh = run.ended(FORMATS).meshes[-1]
    require(mesh.get("structures") == ["mandible", "skull", "tooth11"], f"`structures` is {mesh.get('structures')!r}")
    run.ended(FORMATS).available()
    require(mesh.get("status") == "Available", f"`status` is {mesh.get('status')!r}: {mesh.get('reason')}")
    content = run.server.send("GET", mesh["url"]).content
    require(
        open_edges(content) == 0, f"{open_edges(content)} edges of the merged mesh are open or shared by more than two"
    )
    return f"{triangle_count(content)} triangles"


@section.contract("an empty `uploadUrl` means a download")
def takes_empty_urls(run: Run) -> None:
    expect(run.server.post_job(body(meshes=[{**MANDIBLE, "uploadUrl": ""}])), 200)


@section.contract("a mesh is PUT to its `uploadUrl`, and is Available")
def sends(run: Run) -> str:
    run.ended(BY_URL).available()
    sent = run.receiver.wait_for("PUT", UPLOAD_PATH)
    return f"{triangle_count(sent.body)} triangles"


def _excludes(key: str, run: Run) -> None:
    expect(run.server.post_job(body(meshes=[{**MANDIBLE, key: ["left_nerve", "right_nerve"]}])), 200)


for each in ("excludeStructures", "exclude"):
    section.add(f"structures are cut out of a mesh under `{each}`", Level.TOLERANT, partial(_excludes, each))


@section.tolerant("an unknown kind of output is refused")
def refuses_unknown_kinds(run: Run) -> None:
    expect(run.server.post_job({**body(), "outputFiles": {"holograms": [MANDIBLE]}}), REFUSED)


@section.tolerant("an unknown extension is refused")
def refuses_unknown_extensions(run: Run) -> None:
    expect(run.server.post_job(body(meshes=[{**MANDIBLE, "extension": ".docx"}])), REFUSED)
