"""Surface meshes."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gnathos.anatomy import SURFACES, expand_structures
from gnathos.errors import NotSupportedYet
from gnathos.meshing import Mesh, write_stl
from gnathos.pipeline.case import Case
from gnathos.pipeline.finishing import finish
from gnathos.pipeline.outputs.answers import available, not_found
from gnathos.pipeline.request import OutputFile, OutputResult


def make_mesh(output: OutputFile, case: Case) -> OutputResult:
    """Write one mesh of what was found: one structure, or several merged, less what is excluded.

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
    mesh = finish(case.surface_of(shown, cut_out), case.options[shown[0]])
    path = case.path_for(output)
    write_mesh(mesh, case.folder / path, shown)
    answer = available(output, case, path, _measures(mesh, shown, cut_out))
    left_in = [name for name in excluded if name not in cut_out]
    return replace(answer, reason=answer.reason or _reason_for(left_in))


def _check_no_alignment_is_needed(names: list[str], excluded: list[str]) -> None:
    given = [name for name in (*names, *excluded) if name in SURFACES]
    if given and len(names) + len(excluded) > 1:
        detail = f"`{given[0]}` cannot be combined with other structures yet: it would have to be aligned with them."
        raise NotSupportedYet(detail, remedy="Ask for it as a mesh of its own.")


def write_mesh(mesh: Mesh, path: Path, names: tuple[str, ...]) -> None:
    """Write a mesh in the format that its path's extension says."""
    write_stl(mesh, path, f"Gnathos, LPS mm, {' '.join(names)}")


def _measures(mesh: Mesh, shown: tuple[str, ...], cut_out: tuple[str, ...]) -> dict[str, Any]:
    measures: dict[str, Any] = {
        "triangles": len(mesh.faces),
        "volumeMl": round(mesh.volume_ml, 3),
        "areaMm2": round(mesh.area_mm2, 1),
        "isWatertight": mesh.is_watertight,
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
