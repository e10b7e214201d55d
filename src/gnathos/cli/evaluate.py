"""`gnathos evaluate`: what the engine finds in a scan against a reference."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from gnathos.anatomy import expand_structures
from gnathos.cli.progress import StageProgress
from gnathos.cli.tables import print_table
from gnathos.errors import LabelsDoNotFit
from gnathos.evaluation.conventions import holds
from gnathos.evaluation.findings import ScanScores, score_findings
from gnathos.evaluation.scores import StructureScore
from gnathos.evaluation.summary import summarise_all
from gnathos.imaging import Volume
from gnathos.imaging.formats import read_volume_file
from gnathos.imaging.limits import Limits
from gnathos.pipeline.read import extension_of, read_scan
from gnathos.segmentation import BuiltinSegmenter, Finding, Reason

DEFAULT_STRUCTURES = (
    *("mandible", "skull", "all_permanent_teeth"),
    *("all_nerves", "all_sinuses", "airway", "soft_tissue"),
)
"""All that an engine may find; those that the labels or the weights cannot tell are left out."""
AXIS_TOLERANCE = 1e-3
"""How far the directions of the labels' axes may be from the scan's, as cosines."""


def run(scan: Path, labels: Path, structures: Sequence[str] | None, convention: str, as_json: bool) -> None:
    """Segment, compare, print."""
    names = [structure.name for structure in expand_structures(structures or DEFAULT_STRUCTURES)]
    with StageProgress() as progress:
        progress.show("evaluate", 0.0)
        findings, scores = compare(scan, labels, names, convention)
    if not structures:
        findings = {name: each for name, each in findings.items() if each.reason is not Reason.NOT_SUPPORTED_YET}
    shown = {name: score for name, score in scores.structures.items() if name in findings}
    if as_json:
        print(json.dumps(as_plain(findings, shown, scores), indent=2))
    else:
        print_scores(shown, scores)


def compare(
    scan: Path, labels: Path, names: Sequence[str], convention: str
) -> tuple[Mapping[str, Finding], ScanScores]:
    """Find structures and score them on the reference's own voxels.

    Raises:
        LabelsDoNotFit: the labels' axes are not the scan's.
        UnknownConvention: there is no such convention.
    """
    volume = read_scan(scan, extension_of(scan), Limits()).volume.to_patient_axes()
    reference = read_volume_file(labels, extension_of(labels), Limits()).to_patient_axes()
    check_axes(volume, reference)
    asked = [name for name in names if holds(convention, name)]
    findings = BuiltinSegmenter().segment(volume, asked, lambda _: None).findings
    return findings, score_findings(findings, reference, convention)


def as_plain(
    findings: Mapping[str, Finding], shown: Mapping[str, StructureScore], scores: ScanScores
) -> dict[str, Any]:
    """By structure its scores and what the engine said of it; teeth and canals as a whole beside them."""
    plain: dict[str, Any] = {}
    for name, score in shown.items():
        finding = findings[name]
        said = {
            "outcome": finding.outcome.value,
            "reason": finding.reason.value if finding.reason else None,
            "confidence": round(finding.confidence, 3),
        }
        plain[name] = {**asdict(score), "volume_error": score.volume_error, **said}
    whole = summarise_all([scores])
    return {**plain, **{key: whole[key] for key in ("teeth", "canals") if whole[key]}}


def check_axes(volume: Volume, reference: Volume) -> None:
    """Refuse labels that are turned against the scan."""
    directions = volume.affine_lps[:3, :3] / volume.spacing_mm
    others = reference.affine_lps[:3, :3] / reference.spacing_mm
    if not np.allclose(directions, others, atol=AXIS_TOLERANCE):
        raise LabelsDoNotFit("The axes of the labels are turned against those of the scan.")


def print_scores(shown: Mapping[str, StructureScore], scores: ScanScores) -> None:
    """A row per structure; what is absent on one side is said, not averaged in."""
    columns = ("structure", "Dice", "NSD 0.5", "NSD 1", "NSD 2", "average mm", "HD95 mm", "reference ml", "found ml")
    volumes = {name: (f"{score.reference_ml:.2f}", f"{score.found_ml:.2f}") for name, score in shown.items()}
    print_table(columns, ((name, *_figures(score), *volumes[name]) for name, score in shown.items()))
    if scores.teeth is not None and scores.teeth.found:
        teeth = scores.teeth
        print(f"teeth: {teeth.detected} of {teeth.present} detected, {teeth.found - teeth.detected} invented,")
        print(f"{teeth.numbered_right} of {teeth.detected} numbered right")
    for name, error in scores.canals.items():
        near = f"{error.share_within_1mm:.0%} within 1 mm"
        print(f"{name}: centreline {error.mean_mm:.2f} mm off on average, {near}")


def _figures(score: StructureScore) -> list[str]:
    if score.within is None:
        verdict = "false positive" if score.is_false_positive else "missed" if score.is_missed else "absent"
        return [verdict, *[""] * 5]
    figures = [score.dice, *score.within.values(), score.average_mm, score.hausdorff95_mm]
    return [f"{figure:.3f}" for figure in figures if figure is not None]
