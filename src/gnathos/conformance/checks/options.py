"""1.9: options of the meshes."""

from functools import partial
from typing import Any

from gnathos.conformance.check import Level, Section
from gnathos.conformance.jobs import FINE, QUICK_START, body
from gnathos.conformance.meshes import open_edges, triangle_count
from gnathos.conformance.run import Run
from gnathos.conformance.verdicts import expect, require

section = Section("1.9")

GROUPS = (
    "mandible",
    "skull",
    "maxillary-complex",
    "nerve",
    "airway",
    "dentition",
    "soft-tissue",
    "maxillary-sinus",
    "fusedMeshOptions",
)

VALUES: dict[str, tuple[Any, ...]] = {
    "smoothingIterations": (0, 1, 5),
    "decimateMaxError": (0, 0.03, 0.1),
    "makeManifold": (True, False),
}


def _takes(options: dict[str, Any], run: Run) -> None:
    expect(run.server.post_job(body(options=options)), 200)


def _takes_values(field: str, values: tuple[Any, ...], run: Run) -> None:
    for value in values:
        _takes({"mandible": {field: value}}, run)


for group in GROUPS:
    given = {group: {"smoothingIterations": 1, "decimateMaxError": 0.05}}
    section.add(f"the group `{group}`", Level.CONTRACT, partial(_takes, given))
for each, values in VALUES.items():
    section.add(f"`{each}`: {', '.join(map(str, values))}", Level.CONTRACT, partial(_takes_values, each, values))


def _fine_and_usual(run: Run) -> tuple[bytes, bytes]:
    (fine,), (usual,) = run.ended(FINE).available(), run.ended(QUICK_START).available()
    return run.server.send("GET", fine["url"]).content, run.server.send("GET", usual["url"]).content


@section.contract("`decimateMaxError` 0 disables decimation")
def leaves_triangles(run: Run) -> str:
    fine, usual = map(triangle_count, _fine_and_usual(run))
    require(fine > usual, f"{fine} triangles, and {usual} with the default")
    return f"{fine} triangles, {usual} with the default"


@section.contract("`smoothingIterations` 0 gives a manifold mesh")
def keeps_manifold(run: Run) -> None:
    found = open_edges(_fine_and_usual(run)[0])
    require(found == 0, f"{found} edges are open or shared by more than two triangles")
