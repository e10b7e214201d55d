"""1.8: structures."""

from collections.abc import Iterable
from functools import partial

from gnathos.conformance.check import Level, Section
from gnathos.conformance.jobs import ANATOMY_MISSING, body
from gnathos.conformance.run import Run
from gnathos.conformance.verdicts import REFUSED, expect, require

section = Section("1.8")


def _teeth(quadrant: int, *places: int) -> list[str]:
    return [f"tooth{quadrant}{place}" for place in places]


PERMANENT, DECIDUOUS = range(1, 9), range(1, 6)
SEEN_TEETH = [*_teeth(1, *PERMANENT), *_teeth(2, *PERMANENT), *_teeth(3, *DECIDUOUS)]
INFERRED_TEETH = [*_teeth(3, 6, 7, 8), *_teeth(4, *PERMANENT)]
DECIDUOUS_TEETH = [name for quadrant in (5, 6, 7, 8) for name in _teeth(quadrant, *DECIDUOUS)]

ROWS: list[tuple[str, Level, list[str]]] = [
    ("`mandible`", Level.CONTRACT, ["mandible"]),
    ("`skull`", Level.CONTRACT, ["skull"]),
    ("`left_nerve`, `right_nerve`", Level.CONTRACT, ["left_nerve", "right_nerve"]),
    ("`tooth11`-`tooth18`, `tooth21`-`tooth28`, `tooth31`-`tooth35`", Level.CONTRACT, SEEN_TEETH),
    ("`all_teeth`", Level.CONTRACT, ["all_teeth"]),
    ("`all_nerves`, `all_permanent_teeth`", Level.CONTRACT, ["all_nerves", "all_permanent_teeth"]),
    ("`maxillary`", Level.TOLERANT, ["maxillary"]),
    ("`tooth36`-`tooth38`, `tooth41`-`tooth48`", Level.TOLERANT, INFERRED_TEETH),
    ("the deciduous teeth, `tooth51`-`tooth85`", Level.TOLERANT, DECIDUOUS_TEETH),
    ("`all_deciduous_teeth`", Level.TOLERANT, ["all_deciduous_teeth"]),
    ("`airway`, `soft_tissue`", Level.TOLERANT, ["airway", "soft_tissue"]),
    ("`left_sinus`, `right_sinus`, `all_sinuses`", Level.TOLERANT, ["left_sinus", "right_sinus", "all_sinuses"]),
    ("intra-oral scans by their key", Level.TOLERANT, ["ios_upper", "ios_lower"]),
    ("fused teeth, `fused_tooth11`", Level.TOLERANT, ["fused_tooth11"]),
]
"""What can be asked for: the name of the check, how sure the documentation is of it, the identifiers."""


def _takes(names: Iterable[str], run: Run) -> None:
    given = body(meshes=[{"extension": ".stl", "structures": [name]} for name in names])
    given["inputFiles"] |= {"ios_upper": {"extension": ".stl"}, "ios_lower": {"extension": ".stl"}}
    expect(run.server.post_job(given), 200)


for name, level, identifiers in ROWS:
    section.add(f"{name} can be asked for", level, partial(_takes, identifiers))


@section.contract("anatomy that is not in the scan is reported for each file, and the job succeeds")
def reports_each(run: Run) -> str:
    ended = run.ended(ANATOMY_MISSING)
    require(ended.result.get("success") is True, f"`success` is {ended.result.get('success')!r}")
    statuses = {mesh["structures"][0]: mesh.get("status") for mesh in ended.meshes}
    require(
        statuses.get("mandible") == "Missing", f"a scan without a jaw: its mandible is {statuses.get('mandible')!r}"
    )
    return ", ".join(f"{name} {status}" for name, status in statuses.items())


@section.contract("teeth and canals that are not in the scan are `Missing`, too")
def reports_missing_teeth(run: Run) -> None:
    statuses = {mesh["structures"][0]: mesh.get("status") for mesh in run.ended(ANATOMY_MISSING).meshes}
    others = {name: status for name, status in statuses.items() if status != "Missing"}
    require(not others, f"not Missing: {others}")


@section.tolerant("an unknown structure is refused")
def refuses_unknown(run: Run) -> None:
    expect(run.server.post_job(body(meshes=[{"extension": ".stl", "structures": ["antler"]}])), REFUSED)
