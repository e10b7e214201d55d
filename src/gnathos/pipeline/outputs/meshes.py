"""Surface meshes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gnathos import __version__
from gnathos.anatomy import SURFACES, expand_structures, find_structure
from gnathos.anatomy.colours import colour_of
from gnathos.dicom import write_dicom_mesh
from gnathos.errors import NotSupportedYet
from gnathos.meshing import KEEPS_PARTS_APART, Mesh, Part, Provenance, write_mesh
from gnathos.pipeline.case import Case, Names
from gnathos.pipeline.finishing import Finished
from gnathos.pipeline.outputs.answers import available, not_found
from gnathos.pipeline.request import OutputFile, OutputResult

DICOM_EXTENSION = ".dcm"
"""Of `dicomMeshes`: an STL within DICOM."""


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
    groups = _groups(shown, output.extension)
    finished = [case.mesh_of(names, cut_out) for names in groups]
    parts = [_part(names, each.mesh) for names, each in zip(groups, finished, strict=True)]
    path = case.path_for(output)
    _write(parts, case, path, provenance_of(case, shown, cut_out))
    answer = available(output, case, path, _measures(finished, shown, cut_out))
    left_in = [name for name in excluded if name not in cut_out]
    wants_manifold = any(case.options[names[0]].make_manifold for names in groups)
    open_ones = wants_manifold and not answer.measures["isManifold"]
    return replace(answer, reason=answer.reason or _reason_for(left_in, open_ones))


def _write(parts: Sequence[Part], case: Case, path: Path, provenance: Provenance) -> None:
    if path.suffix != DICOM_EXTENSION:
        write_mesh(parts, case.folder / path, provenance)
        return
    stl = (case.folder / path).with_suffix(".stl")
    write_mesh(parts, stl, provenance)
    source, frame_uid = (case.scan.source, case.scan.volume.frame_of_reference_uid) if case.scan else (None, None)
    write_dicom_mesh(stl.read_bytes(), " ".join(provenance.structures), source, frame_uid, case.folder / path)
    stl.unlink()


def _check_no_alignment_is_needed(names: list[str], excluded: list[str]) -> None:
    given = [name for name in (*names, *excluded) if name in SURFACES]
    if given and len(names) + len(excluded) > 1:
        detail = f"`{given[0]}` cannot be combined with other structures yet: it would have to be aligned with them."
        raise NotSupportedYet(detail, remedy="Ask for it as a mesh of its own.")


def _groups(shown: Names, extension: str) -> list[Names]:
    """Which structures become one surface."""
    return [(name,) for name in shown] if extension == KEEPS_PARTS_APART else [shown]


def _part(names: Names, mesh: Mesh) -> Part:
    return Part("_".join(names), mesh, colour_of(find_structure(names[0])))


def provenance_of(case: Case, shown: Names, cut_out: Names) -> Provenance:
    """What a mesh file says of itself."""
    families = {find_structure(name).family.value: case.options[name] for name in shown}
    return Provenance(
        engine=f"Gnathos {__version__}",
        segmenter=case.algorithm,
        frame="as sent" if shown[0] in SURFACES else "LPS",
        structures=shown,
        excluded=cut_out,
        options={family: options.as_contract() for family, options in families.items()},
    )


def _measures(finished: Sequence[Finished], shown: Names, cut_out: Names) -> dict[str, Any]:
    meshes = [each.mesh for each in finished]
    measures: dict[str, Any] = {
        "triangles": sum(len(mesh.faces) for mesh in meshes),
        "volumeMl": round(sum(mesh.volume_ml for mesh in meshes), 3),
        "areaMm2": round(sum(mesh.area_mm2 for mesh in meshes), 1),
        "isWatertight": all(mesh.is_watertight for mesh in meshes),
        "isManifold": all(each.is_manifold for each in finished),
        "maxErrorMm": round(max(each.max_error_mm for each in finished), 6),
    }
    if cut_out:
        measures["excluded"] = list(cut_out)
    if shown[0] in SURFACES:
        measures["frame"] = "as sent"
    return measures


def _reason_for(left_in: list[str], is_open: bool) -> Mapping[str, str] | None:
    if is_open:
        return {"code": "not_manifold", "detail": "The surface is not closed, and was not closed by guessing."}
    if not left_in:
        return None
    return {"code": "exclusion_incomplete", "detail": f"Not found, and so not cut out: {', '.join(left_in)}."}
