"""Surface meshes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gnathos import __version__
from gnathos.anatomy import STRUCTURES, SURFACES, expand_structures
from gnathos.anatomy.colours import colour_of
from gnathos.errors import NotSupportedYet
from gnathos.meshing import KEEPS_PARTS_APART, Part, Provenance, write_mesh
from gnathos.pipeline.case import Case
from gnathos.pipeline.finishing import finish
from gnathos.pipeline.outputs.answers import available, not_found
from gnathos.pipeline.request import OutputFile, OutputResult

Names = tuple[str, ...]


def make_mesh(output: OutputFile, case: Case) -> OutputResult:
    """Write the surface of what was found, less what is excluded: several structures merged, or a part each in `.glb`.

    Raises:
        NotSupportedYet: it would need surface scans to be aligned with others.
        MeshingFailed: nothing is left to make a surface of.
    """
    excluded = [structure.name for structure in expand_structures(output.exclude)]
    names = list(case.findings_for(output))
    _check_no_alignment_is_needed(names, excluded)
    shown = tuple(name for name in names if case.has(name))
    if not shown:
        return not_found(output, case)
    cut_out = tuple(name for name in excluded if case.has(name))
    parts = [_part(each, cut_out, case) for each in _groups(shown, output.extension)]
    path = case.path_for(output)
    write_mesh(parts, case.folder / path, provenance_of(case, shown, cut_out))
    answer = available(output, case, path, _measures(parts, shown, cut_out))
    left_in = [name for name in excluded if name not in cut_out]
    return replace(answer, reason=answer.reason or _reason_for(left_in))


def _check_no_alignment_is_needed(names: list[str], excluded: list[str]) -> None:
    given = [name for name in (*names, *excluded) if name in SURFACES]
    if given and len(names) + len(excluded) > 1:
        detail = f"`{given[0]}` cannot be combined with other structures yet: it would have to be aligned with them."
        raise NotSupportedYet(detail, remedy="Ask for it as a mesh of its own.")


def _groups(shown: Names, extension: str) -> list[Names]:
    """Which structures become one surface."""
    return [(name,) for name in shown] if extension == KEEPS_PARTS_APART else [shown]


def _part(names: Names, cut_out: Names, case: Case) -> Part:
    mesh = finish(case.surface_of(names, cut_out), case.options[names[0]])
    return Part("_".join(names), mesh, colour_of(STRUCTURES.get(names[0]) or SURFACES[names[0]]))


def provenance_of(case: Case, shown: Names, cut_out: Names) -> Provenance:
    """What a mesh file says of itself."""
    families = {(STRUCTURES.get(name) or SURFACES[name]).family.value: case.options[name] for name in shown}
    return Provenance(
        engine=f"Gnathos {__version__}",
        segmenter=case.algorithm,
        frame="as sent" if shown[0] in SURFACES else "LPS",
        structures=shown,
        excluded=cut_out,
        options={family: options.as_contract() for family, options in families.items()},
    )


def _measures(parts: Sequence[Part], shown: Names, cut_out: Names) -> dict[str, Any]:
    meshes = [part.mesh for part in parts]
    measures: dict[str, Any] = {
        "triangles": sum(len(mesh.faces) for mesh in meshes),
        "volumeMl": round(sum(mesh.volume_ml for mesh in meshes), 3),
        "areaMm2": round(sum(mesh.area_mm2 for mesh in meshes), 1),
        "isWatertight": all(mesh.is_watertight for mesh in meshes),
    }
    if cut_out:
        measures["excluded"] = list(cut_out)
    if shown[0] in SURFACES:
        measures["frame"] = "as sent"
    return measures


def _reason_for(left_in: list[str]) -> Mapping[str, str] | None:
    if not left_in:
        return None
    return {"code": "exclusion_incomplete", "detail": f"Not found, and so not cut out: {', '.join(left_in)}."}
