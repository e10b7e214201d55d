"""`gnathos evaluate`: what the engine finds in a scan against a reference."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gnathos.anatomy import expand_structures
from gnathos.cli.progress import StageProgress
from gnathos.cli.tables import print_table
from gnathos.errors import LabelsDoNotFit
from gnathos.evaluation.conventions import reference_mask
from gnathos.evaluation.scores import StructureScore, score_masks
from gnathos.imaging import Volume
from gnathos.imaging.formats import read_volume_file
from gnathos.imaging.limits import Limits
from gnathos.imaging.sampling import interpolate
from gnathos.pipeline.read import extension_of, read_scan
from gnathos.segmentation import BuiltinSegmenter, Finding

DEFAULT_STRUCTURES = ("mandible", "skull")
AXIS_TOLERANCE = 1e-3
"""How far the directions of the labels' axes may be from the scan's, as cosines."""


def run(scan: Path, labels: Path, structures: Sequence[str] | None, convention: str, as_json: bool) -> None:
    """Segment, compare, print."""
    names = [structure.name for structure in expand_structures(structures or DEFAULT_STRUCTURES)]
    with StageProgress() as progress:
        progress.show("evaluate", 0.0)
        scores = dict(compare(scan, labels, names, convention))
    if as_json:
        print(json.dumps({name: asdict(score) for name, score in scores.items()}, indent=2))
    else:
        print_scores(scores)


def compare(scan: Path, labels: Path, names: Sequence[str], convention: str) -> Iterator[tuple[str, StructureScore]]:
    """Score each structure on the reference's own voxels.

    Raises:
        LabelsDoNotFit: the labels' axes are not the scan's.
    """
    volume = read_scan(scan, extension_of(scan), Limits()).volume.to_patient_axes()
    reference = read_volume_file(labels, extension_of(labels), Limits()).to_patient_axes()
    check_axes(volume, reference)
    truths = {name: reference_mask(reference.voxels, convention, name) for name in names}
    segmentation = BuiltinSegmenter().segment(volume, names, lambda _: None)
    for name, truth in truths.items():
        found = mask_on(segmentation.findings[name], reference)
        yield name, score_masks(truth, found, tuple(reference.spacing_mm.tolist()))


def check_axes(volume: Volume, reference: Volume) -> None:
    """Refuse labels that are turned against the scan."""
    directions = volume.affine_lps[:3, :3] / volume.spacing_mm
    others = reference.affine_lps[:3, :3] / reference.spacing_mm
    if not np.allclose(directions, others, atol=AXIS_TOLERANCE):
        raise LabelsDoNotFit("The axes of the labels are turned against those of the scan.")


def mask_on(finding: Finding, grid: Volume) -> npt.NDArray[np.bool_]:
    """What was found, on another grid with the same axes."""
    mask = np.zeros(grid.shape, np.bool_)
    if finding.field is None:
        return mask
    low, high = grid.indices_at(finding.field.corners_lps_mm)
    start = np.clip(np.ceil(low), 0, grid.shape).astype(int)
    stop = np.clip(np.floor(high) + 1, start, grid.shape).astype(int)
    window = tuple(slice(first, last) for first, last in zip(start, stop, strict=True))
    if mask[window].size:
        mask[window] = interpolate(finding.field, grid.crop(start, stop)) > 0
    return mask


def print_scores(scores: dict[str, StructureScore]) -> None:
    """A row per structure; what is absent on one side is said, not averaged in."""
    columns = ("structure", "Dice", "NSD 0.5", "NSD 1", "NSD 2", "average mm", "HD95 mm", "reference ml", "found ml")
    volumes = {name: (f"{score.reference_ml:.2f}", f"{score.found_ml:.2f}") for name, score in scores.items()}
    print_table(columns, ((name, *_figures(score), *volumes[name]) for name, score in scores.items()))


def _figures(score: StructureScore) -> list[str]:
    if score.within is None:
        verdict = "false positive" if score.is_false_positive else "missed" if score.is_missed else "absent"
        return [verdict, *[""] * 5]
    figures = [score.dice, *score.within.values(), score.average_mm, score.hausdorff95_mm]
    return [f"{figure:.3f}" for figure in figures if figure is not None]
