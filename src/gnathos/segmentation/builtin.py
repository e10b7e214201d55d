"""The built-in segmenter: the network finds, the scan's own gray values draw the border."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnathos.imaging import Volume
from gnathos.segmentation.canal import draw_tube, trace_canal
from gnathos.segmentation.findings import Finding, Outcome, Reason, ReportFraction, Segmentation
from gnathos.segmentation.network import CoarseAnatomy, Network
from gnathos.segmentation.normalise import Levels
from gnathos.segmentation.presence import Presence, Requirements, judge_presence
from gnathos.segmentation.refine import CoarseShape, refine_air, refine_body, refine_bone
from gnathos.segmentation.sides import midline_column, one_side

METHOD_VERSION = "1"
"""Counted up when the code around the network changes what comes out."""

LIKELY = 0.5


@dataclass(frozen=True)
class Recipe:
    """How one structure is found."""

    classes: tuple[str, ...]
    """Classes of the network that belong to it."""
    rivals: tuple[str, ...]
    """Classes that it must not run into."""
    required: Requirements
    refine: Callable[[Volume, Levels, CoarseShape], Volume | None]
    is_left: bool | None = None
    """Which side of the midline it lies on, for paired structures."""


_LOWER = ("mandible", "lower_teeth", "canal")
_UPPER = ("skull", "upper_teeth")
_SINUS = Requirements(least_ml=1.5, least_width_mm=5, least_cut_ml=1, least_share=0.3)

RECIPES = {
    "mandible": Recipe(
        classes=_LOWER,
        rivals=(*_UPPER, "other_bone"),
        required=Requirements(least_ml=12, least_width_mm=50, least_cut_ml=6, least_share=0.25, is_arch=True),
        refine=refine_bone,
    ),
    "skull": Recipe(
        classes=_UPPER,
        rivals=(*_LOWER, "other_bone"),
        required=Requirements(least_ml=30, least_width_mm=50, least_cut_ml=8, least_share=0.05),
        refine=refine_bone,
    ),
    "right_sinus": Recipe(("sinus",), ("airway",), _SINUS, refine_air, is_left=False),
    "left_sinus": Recipe(("sinus",), ("airway",), _SINUS, refine_air, is_left=True),
    "airway": Recipe(
        classes=("airway",),
        rivals=("sinus",),
        required=Requirements(least_ml=2, least_width_mm=5, least_cut_ml=2, least_share=0.1),
        refine=refine_air,
    ),
    "soft_tissue": Recipe(
        classes=("soft_tissue", *_UPPER, *_LOWER, "sinus", "airway", "other_bone"),
        rivals=(),
        required=Requirements(least_ml=100, least_width_mm=50, least_cut_ml=30, least_share=0.5),
        refine=refine_body,
    ),
}
"""The lower teeth belong to the mandible and the upper ones to the skull until teeth are told apart."""

NERVES = {"right_nerve": False, "left_nerve": True}
"""Which of the canals lie on the left."""


class BuiltinSegmenter:
    """Finds what its network was taught."""

    name = "gnathos"

    def __init__(self, threads: int = 0) -> None:
        self._network = Network(threads)
        self.version = f"{METHOD_VERSION}+{self._network.version}"

    def segment(self, scan: Volume, structures: Collection[str], report: ReportFraction) -> Segmentation:
        """Find structures; see `Segmenter.segment`."""
        oriented = scan.to_patient_axes()
        coarse = self._network.predict(oriented)
        findings: dict[str, Finding] = {}
        for position, structure in enumerate(structures):
            report((position + 1) / (len(structures) + 1))
            is_delivered = structure in self._network.structures
            findings[structure] = _find(structure, oriented, coarse) if is_delivered else _not_supported()
        report(1.0)
        return Segmentation(findings)


def _find(structure: str, scan: Volume, coarse: CoarseAnatomy) -> Finding:
    if structure in NERVES:
        return _find_nerve(structure, scan, coarse)
    recipe = RECIPES[structure]
    probability = _on_side(coarse.probability(*recipe.classes), coarse, recipe.is_left)
    presence = judge_presence(probability, coarse.grid, recipe.required, structure)
    if presence.mask is None:
        return Finding(Outcome.MISSING, presence.confidence, presence.reason, presence.explanation)
    shape = CoarseShape(presence.mask, coarse.probability(*recipe.rivals) > LIKELY, coarse.grid)
    return _finding_of(structure, presence, recipe.refine(scan, coarse.levels, shape))


def _find_nerve(structure: str, scan: Volume, coarse: CoarseAnatomy) -> Finding:
    probability = _on_side(coarse.probability("canal"), coarse, NERVES[structure])
    path = trace_canal(coarse.grid.with_voxels(probability), scan, coarse.levels)
    if path is None:
        doubt = float(probability.max(initial=0))
        return Finding(Outcome.MISSING, 1 - doubt / 2, Reason.NOT_FOUND, "No canal could be followed on this side.")
    return Finding(Outcome.FOUND, path.probability, field=draw_tube(path, scan))


def _not_supported() -> Finding:
    explanation = "This version of the engine cannot tell this structure yet."
    return Finding(Outcome.FAILED, 1.0, Reason.NOT_SUPPORTED_YET, explanation)


def _on_side(
    probability: npt.NDArray[np.float32], coarse: CoarseAnatomy, is_left: bool | None
) -> npt.NDArray[np.float32]:
    if is_left is None:
        return probability
    bones = coarse.probability(*_UPPER, *_LOWER) > LIKELY
    side = one_side(np.ones(bones.shape, np.bool_), midline_column(bones), is_left)
    return np.where(side, probability, np.float32(0))


def _finding_of(structure: str, presence: Presence, field: Volume | None) -> Finding:
    if field is None:
        explanation = f"Where the {structure} should be, the scan has too little contrast to draw its border."
        return Finding(Outcome.MISSING, 1 - presence.confidence, Reason.TOO_LITTLE_CONTRAST, explanation)
    return Finding(Outcome.FOUND, presence.confidence, presence.reason, presence.explanation, field)
