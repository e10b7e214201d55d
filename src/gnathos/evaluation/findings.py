"""A segmenter's findings against a label map of the same scan."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnathos.anatomy import PERMANENT_FDI
from gnathos.evaluation.centrelines import CentrelineError, centreline_of, compare_centrelines
from gnathos.evaluation.conventions import holds, reference_mask
from gnathos.evaluation.scores import StructureScore, score_masks
from gnathos.evaluation.teeth import TeethScore, score_teeth
from gnathos.imaging import Volume
from gnathos.imaging.sampling import mask_on_grid
from gnathos.segmentation import Finding

Mask = npt.NDArray[np.bool_]

CANALS = ("right_nerve", "left_nerve")
TEETH = {f"tooth{fdi}": fdi for fdi in PERMANENT_FDI}


@dataclass(frozen=True)
class ScanScores:
    """What one scan's findings are worth."""

    structures: Mapping[str, StructureScore]
    """Of every structure that was asked for and that the reference can tell."""
    teeth: TeethScore | None
    """None where no tooth was asked for or the reference does not number them."""
    canals: Mapping[str, CentrelineError]
    """Of the canals that both have."""


def score_findings(findings: Mapping[str, Finding], reference: Volume, convention: str) -> ScanScores:
    """Compare on the reference's own voxels.

    Args:
        findings: by structure name.
        reference: label values of the convention; its index axes run along the findings'.
        convention: a key of `gnathos.evaluation.conventions.CONVENTIONS`.

    Raises:
        UnknownConvention: there is no such convention.
    """
    spacing: tuple[float, float, float] = tuple(reference.spacing_mm.tolist())
    structures, canals = {}, {}
    numbers = np.zeros(reference.shape, np.uint8)
    for name, finding in findings.items():
        if not holds(convention, name):
            continue
        truth, found = reference_mask(reference.voxels, convention, name), mask_of(finding, reference)
        structures[name] = score_masks(truth, found, spacing)
        if name in TEETH:
            numbers[found] = TEETH[name]
        if name in CANALS and truth.any() and found.any():
            canals[name] = compare_centrelines(centreline_of(truth, spacing), centreline_of(found, spacing))
    return ScanScores(structures, _score_teeth(structures, numbers, reference, convention), canals)


def mask_of(finding: Finding, grid: Volume) -> Mask:
    """What was found, on a grid whose index axes run along the finding's."""
    mask = np.zeros(grid.shape, np.bool_)
    if finding.field is not None:
        window, inside = mask_on_grid(finding.field, grid)
        mask[window] = inside
    return mask


def _score_teeth(
    structures: Mapping[str, StructureScore], numbers: npt.NDArray[np.uint8], reference: Volume, convention: str
) -> TeethScore | None:
    asked = [name for name in TEETH if name in structures]
    if not asked:
        return None
    truth = np.zeros(reference.shape, np.uint8)
    for name in asked:
        truth[reference_mask(reference.voxels, convention, name)] = TEETH[name]
    return score_teeth(truth, numbers)
