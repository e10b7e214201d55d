"""Measures of every structure, as JSON."""

import json
from typing import Any

import numpy as np

from gnathos import __version__
from gnathos.anatomy import STRUCTURES, Structure, find_structure, is_left, is_upper
from gnathos.anatomy.codes import coding_of
from gnathos.errors import MeshingFailed
from gnathos.meshing import Mesh
from gnathos.pipeline.case import Case
from gnathos.pipeline.outputs.answers import available, part_of
from gnathos.pipeline.request import OutputFile, OutputResult


def make_report(output: OutputFile, case: Case) -> OutputResult:
    """Write what is known and measured of each structure."""
    findings = case.findings_for(output)
    entries = [_entry(name, case) for name in findings]
    report = {
        "engine": __version__,
        "segmenter": case.algorithm,
        "coordinateSystem": {"frame": "LPS", "unit": "mm"},
        "scan": _scan(case),
        "structures": entries,
        "teeth": [_tooth(STRUCTURES[entry["structure"]], entry) for entry in entries if entry.get("fdi")],
    }
    path = case.path_for(output)
    (case.folder / path).write_text(json.dumps(report, indent=2))
    return available(output, case, path, {"structures": len(entries)})


def _scan(case: Case) -> dict[str, Any] | None:
    if case.scan is None:
        return None
    volume = case.scan.volume
    return {
        "voxels": list(volume.shape),
        "spacingMm": volume.spacing_mm.round(4).tolist(),
        "isCalibrated": volume.is_hu,
    }


def _entry(name: str, case: Case) -> dict[str, Any]:
    structure = find_structure(name)
    described = {**part_of(name, case.finding(name)), "label": structure.label, "family": structure.family.value}
    if name in STRUCTURES:
        described["snomed"] = coding_of(structure).kind.value if coding_of(structure).kind.scheme == "SCT" else None
    if structure.fdi is not None:
        described["fdi"] = structure.fdi
    if not case.has(name):
        return described
    try:
        return {**described, **measures_of(case.surface_of((name,)))}
    except MeshingFailed as error:
        return {**described, "reason": error.as_reason()}


def measures_of(mesh: Mesh) -> dict[str, Any]:
    """Volume, surface, extent and centroid; volume and centroid only of what is closed."""
    low, high = mesh.vertices_lps_mm.min(axis=0), mesh.vertices_lps_mm.max(axis=0)
    measures: dict[str, Any] = {
        "surfaceMm2": round(mesh.area_mm2, 1),
        "extentLpsMm": {"min": _rounded(low), "max": _rounded(high), "size": _rounded(high - low)},
    }
    if mesh.is_watertight:
        measures["volumeMl"] = round(mesh.volume_ml, 3)
        measures["centroidLpsMm"] = _rounded(_centroid_lps_mm(mesh))
    return measures


def _centroid_lps_mm(mesh: Mesh) -> Any:
    """(3,) of the enclosed volume: the tetrahedra from a corner of it to each triangle, weighed."""
    origin = mesh.vertices_lps_mm[0].astype(float)
    first, second, third = np.moveaxis(mesh.triangles_lps_mm - origin, 1, 0)
    volumes = np.einsum("ij,ij->i", first, np.cross(second, third))
    return origin + volumes @ (first + second + third) / (4 * volumes.sum())


def _tooth(structure: Structure, entry: dict[str, Any]) -> dict[str, Any]:
    fdi = entry["fdi"]
    where = {"arch": "upper" if is_upper(fdi) else "lower", "side": "left" if is_left(fdi) else "right"}
    kept = ("status", "confidence", "volumeMl", "centroidLpsMm")
    described = {"fdi": fdi, "name": coding_of(structure).kind.meaning, **where}
    return {**described, **{key: entry.get(key) for key in kept}}


def _rounded(numbers: Any) -> list[float]:
    return [round(float(number), 2) for number in numbers]
