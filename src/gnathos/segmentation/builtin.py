"""The built-in segmenter: the network finds, the scan's own gray values draw the border."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gnathos.anatomy import DECIDUOUS_FDI, STRUCTURES, is_left, is_upper
from gnathos.imaging import Volume
from gnathos.imaging.sampling import mask_on_grid
from gnathos.segmentation.bones import LOWER, UPPER, Bones, find_bones
from gnathos.segmentation.cautions import LEAST_METAL_ML, Mask, cautions, metal_mask
from gnathos.segmentation.confidence import (
    Signs,
    agreement,
    confidence_found,
    confidence_missing,
    contrast_to_noise,
)
from gnathos.segmentation.findings import Finding, Outcome, Reason, ReportFraction, Segmentation
from gnathos.segmentation.jaws import LARGEST_VOXEL_MM, Jaws, find_nerve, find_tooth, look_at_jaws
from gnathos.segmentation.landmarks import LIKELY, Landmarks
from gnathos.segmentation.limits import throat, upper_jaw
from gnathos.segmentation.network import NETWORKS, CoarseAnatomy, Network, describe_network
from gnathos.segmentation.presence import BOTTOM, FRONT, TOP, Presence, Requirements, judge_presence
from gnathos.segmentation.refine import BoneEdge, CoarseShape, refine_air, refine_body, refine_bone
from gnathos.segmentation.sides import pieces_on_side

METHOD_VERSION = "5"
"""Counted up when the code around the network changes what comes out."""

LEAST_AGREEMENT = 0.45
"""Dice with the coarse shape: what agrees less was not drawn by the structure's own border."""


class Networks:
    """The bundled networks, each loaded when it is first needed."""

    def __init__(self, threads: int) -> None:
        self.threads = threads

    @cached_property
    def jaws(self) -> Network:
        """Sees whole scans on a coarse grid."""
        return Network(self.threads, "jaws")

    @cached_property
    def teeth(self) -> Network:
        """Sees the jaws on a finer one."""
        return Network(self.threads, "teeth")


@dataclass(frozen=True)
class Study:
    """One scan under work, and what is known of it so far."""

    scan: Volume
    """Index axes along the patient's."""
    coarse: CoarseAnatomy
    networks: Networks
    calibration: str
    """What calibration must have been made with to hold."""

    @cached_property
    def jaws(self) -> Jaws | None:
        """What the fine network says of the jaws; None where there are none."""
        return look_at_jaws(self.scan, self.coarse, self.networks.teeth)

    @cached_property
    def landmarks(self) -> Landmarks:
        """What other structures are placed by."""
        return Landmarks(self.coarse)

    @cached_property
    def lower_jaw(self) -> Presence:
        """Whether there is a mandible, without which there are no lower teeth and no canals."""
        beyond = (FRONT,) if self.landmarks.shows_below_teeth else _MANDIBLE.beyond
        required = replace(_MANDIBLE, beyond=beyond)
        return judge_presence(self.coarse.probability(*LOWER), self.coarse, required, "mandible")

    @cached_property
    def upper_jaw(self) -> Presence:
        """Whether there is an upper jaw, without which there are no upper teeth."""
        return judge_presence(self.coarse.probability(*UPPER), self.coarse, _UPPER_JAW, "upper jaw")

    @cached_property
    def bones(self) -> Bones:
        """Its bones, told apart."""
        is_fine = float(np.cbrt(np.prod(self.scan.spacing_mm))) <= LARGEST_VOXEL_MM
        jaws = self.jaws if is_fine and self.lower_jaw.mask is not None else None
        return find_bones(self.scan, self.coarse, jaws.seen if jaws is not None else None)

    @cached_property
    def metal(self) -> Mask:
        """Where the network's grid holds metal."""
        return metal_mask(self.scan, self.coarse)

    @cached_property
    def contrast_to_noise(self) -> float:
        """Of bone against soft tissue."""
        return contrast_to_noise(self.coarse)


Refine = Callable[[Study, CoarseShape], Volume | None]


@dataclass(frozen=True)
class Recipe:
    """How one structure is found."""

    classes: tuple[str, ...]
    """Classes of the network that belong to it."""
    required: Requirements
    refine: Refine
    rivals: Callable[[Landmarks], Mask] | None = None
    """What it must not run into; bones know theirs."""
    limit: Callable[[Landmarks], Volume | None] | None = None
    """What bounds it by definition; without it the structure cannot be told."""
    in_place: Callable[[Landmarks, Mask], Mask] | None = None
    """Picks what lies where the structure can be, out of what the network takes for it."""
    is_left: bool | None = None
    """Which side of the midline it lies on, for paired structures."""
    judged: Callable[[Study], Presence] | None = None
    """Where it is known already whether it is there, since other structures depend on it."""


def _bone(group: tuple[str, ...], edge: BoneEdge) -> Refine:
    def refine(study: Study, shape: CoarseShape) -> Volume | None:
        return refine_bone(study.scan, study.coarse.levels, shape, study.bones, group, edge, study.networks.threads)

    return refine


def _air(study: Study, shape: CoarseShape) -> Volume | None:
    return refine_air(study.scan, study.coarse.levels, shape)


def _body(study: Study, shape: CoarseShape) -> Volume | None:
    return refine_body(study.scan, study.coarse.levels, shape)


def _nose_and_throat(landmarks: Landmarks) -> Mask:
    return landmarks.inner_air


def _sinuses(landmarks: Landmarks) -> Mask:
    return landmarks.sinuses


def _in_sinus(landmarks: Landmarks, seen: Mask) -> Mask:
    return seen & landmarks.sinuses


_MANDIBLE = Requirements(
    least_ml=12, least_width_mm=50, least_cut_ml=6, least_share=0.25, is_arch=True, beyond=(BOTTOM, FRONT)
)
_UPPER_JAW = Requirements(least_ml=6, least_width_mm=35, least_cut_ml=3, least_share=0.05)
_SKULL_EDGE = BoneEdge(band_mm=5.0, inner_bonus=0.3, largest_hole_ml=0.5, is_solid=False)
_SINUS = Requirements(least_ml=1.5, least_width_mm=5, least_cut_ml=1.5, least_share=0.3)

RECIPES = {
    "mandible": Recipe(
        classes=LOWER,
        required=_MANDIBLE,
        refine=_bone(LOWER, BoneEdge(band_mm=3.0, inner_bonus=0.3, largest_hole_ml=np.inf, is_solid=True)),
        judged=lambda study: study.lower_jaw,
    ),
    "skull": Recipe(
        classes=UPPER,
        required=Requirements(least_ml=30, least_width_mm=50, least_cut_ml=8, least_share=0.05, beyond=(TOP,)),
        refine=_bone(UPPER, _SKULL_EDGE),
    ),
    "maxillary": Recipe(
        classes=UPPER,
        required=Requirements(least_ml=15, least_width_mm=40, least_cut_ml=4, least_share=0.1),
        refine=_bone(UPPER, _SKULL_EDGE),
        limit=upper_jaw,
    ),
    "right_sinus": Recipe(("sinus",), _SINUS, _air, _nose_and_throat, in_place=_in_sinus, is_left=False),
    "left_sinus": Recipe(("sinus",), _SINUS, _air, _nose_and_throat, in_place=_in_sinus, is_left=True),
    "airway": Recipe(
        classes=("airway",),
        required=Requirements(least_ml=2, least_width_mm=5, least_cut_ml=1.5, least_share=0.1),
        refine=_air,
        rivals=_sinuses,
        limit=throat,
        in_place=Landmarks.in_throat,
    ),
    "soft_tissue": Recipe(
        classes=("soft_tissue", *UPPER, *LOWER, "sinus", "airway", "other_bone"),
        required=Requirements(least_ml=100, least_width_mm=50, least_cut_ml=30, least_share=0.5),
        refine=_body,
    ),
}
"""The lower teeth belong to the mandible and the upper ones to the skull until teeth are told apart."""

DECIDUOUS = frozenset(f"tooth{fdi}" for fdi in DECIDUOUS_FDI)
NERVES = {"right_nerve": False, "left_nerve": True}
"""Which of the canals lie on the left."""


class BuiltinSegmenter:
    """Finds what its network was taught."""

    name = "gnathos"

    def __init__(self, threads: int = 0) -> None:
        self._networks = Networks(threads)
        descriptions = [describe_network(name) for name in NETWORKS]
        self._delivered = frozenset(name for each in descriptions for name in each["structures"])
        self.version = "+".join([METHOD_VERSION, *(each["sha256"][:12] for each in descriptions)])
        self.calibration = f"{METHOD_VERSION}+{describe_network('jaws')['sha256'][:12]}"

    def segment(self, scan: Volume, structures: Collection[str], report: ReportFraction) -> Segmentation:
        """Find structures; see `Segmenter.segment`."""
        oriented = scan.to_patient_axes()
        study = Study(oriented, self._networks.jaws.predict(oriented), self._networks, self.calibration)
        findings: dict[str, Finding] = {}
        for position, structure in enumerate(structures):
            report((position + 1) / (len(structures) + 1))
            findings[structure] = _find(structure, study) if structure in self._delivered else _cannot_tell(structure)
        report(1.0)
        return Segmentation(findings, cautions(oriented, study.metal, study.coarse))


def _cannot_tell(structure: str) -> Finding:
    if structure in DECIDUOUS:
        return Finding(Outcome.MISSING, 1.0, Reason.NOT_SUPPORTED_YET, "Deciduous teeth cannot be told yet.")
    explanation = "This version of the engine cannot tell this structure yet."
    return Finding(Outcome.FAILED, 1.0, Reason.NOT_SUPPORTED_YET, explanation)


def _find(structure: str, study: Study) -> Finding:
    fdi = STRUCTURES[structure].fdi
    if structure not in NERVES and fdi is None:
        return _find_by_recipe(structure, RECIPES[structure], study)
    jaw = study.upper_jaw if fdi is not None and is_upper(fdi) else study.lower_jaw
    if jaw.mask is None:
        return Finding(Outcome.MISSING, 1 - jaw.probability / 2, jaw.reason, jaw.explanation)
    if fdi is None:
        return _as_shown(find_nerve(study.jaws, NERVES[structure]), NERVES[structure], study)
    finding = _as_shown(find_tooth(study.jaws, study.bones, fdi), is_left(fdi), study)
    return _with_metal(finding, structure, study)


def _as_shown(finding: Finding, on_left: bool, study: Study) -> Finding:
    """Say so where the field of view does not reach to where a tooth or canal that is missing would be."""
    if finding.outcome is not Outcome.MISSING or finding.reason is not Reason.NOT_FOUND:
        return finding
    if study.landmarks.shows_side(on_left) is False:
        explanation = f"The field of view does not show the {'left' if on_left else 'right'} side."
    elif study.landmarks.ends_above_teeth and study.lower_jaw.mask is None:
        explanation = "The field of view ends above the teeth."
    else:
        return finding
    return replace(finding, reason=Reason.NOT_IN_FIELD_OF_VIEW, explanation=explanation)


def _find_by_recipe(structure: str, recipe: Recipe, study: Study) -> Finding:
    coarse = study.coarse
    limit = recipe.limit(study.landmarks) if recipe.limit else None
    if recipe.limit and limit is None:
        explanation = "The field of view holds neither the teeth nor the sinuses by which its bounds are told."
        return _missing(structure, Presence(None, 0.0, Reason.NOT_IN_FIELD_OF_VIEW, explanation), study.calibration)
    probability = coarse.probability(*recipe.classes)
    seen = probability > LIKELY
    if limit is not None:
        seen &= limit.voxels > 0
    if recipe.in_place:
        seen = recipe.in_place(study.landmarks, seen)
    if recipe.is_left is not None and seen.any():
        if study.landmarks.midline is None:
            return _on_unknown_side(structure)
        seen = pieces_on_side(seen, study.landmarks.midline, recipe.is_left, float(coarse.grid.spacing_mm[2]))
    probability = np.where(seen | (probability <= LIKELY), probability, np.float32(0))
    if recipe.judged:
        presence = recipe.judged(study)
    else:
        presence = judge_presence(probability, coarse, recipe.required, _words(structure))
    if presence.mask is None:
        return _missing(structure, presence, study.calibration)
    rivals = recipe.rivals(study.landmarks) if recipe.rivals else np.zeros_like(presence.mask)
    shape = CoarseShape(presence.mask, rivals, coarse.grid, limit)
    field = recipe.refine(study, shape)
    least_ml = recipe.required.least_cut_ml if recipe.in_place else 0.0
    if field is None or not _is_drawn(field, presence.mask, coarse.grid, least_ml):
        explanation = f"Where the {_words(structure)} should be, the scan has too little contrast to draw its border."
        unclear = Presence(None, presence.probability, Reason.TOO_LITTLE_CONTRAST, explanation)
        return _missing(structure, unclear, study.calibration)
    return _found(structure, presence, presence.mask, field, study)


def _is_drawn(field: Volume, mask: Mask, grid: Volume, least_ml: float) -> bool:
    """Whether what was drawn is large enough, and like what the network saw."""
    drawn_ml = float((field.voxels > 0).sum() * np.prod(field.spacing_mm)) / 1000
    return drawn_ml >= least_ml and agreement(mask, field, grid) >= LEAST_AGREEMENT


def _found(structure: str, presence: Presence, mask: Mask, field: Volume, study: Study) -> Finding:
    is_cut = presence.reason is Reason.CUT_BY_BORDER
    overlap = agreement(mask, field, study.coarse.grid)
    signs = Signs(presence.probability, overlap, study.contrast_to_noise, is_cut)
    confidence = confidence_found(structure, signs, study.calibration)
    finding = Finding(Outcome.FOUND, confidence, presence.reason, presence.explanation, field, signs)
    return _with_metal(finding, structure, study)


def _with_metal(finding: Finding, structure: str, study: Study) -> Finding:
    """Say so where there is metal within what was found, and nothing else speaks against it."""
    if finding.field is None or finding.reason is not None:
        return finding
    window, inside = mask_on_grid(finding.field, study.coarse.grid)
    metal_ml = float((study.metal[window] & inside).sum() * np.prod(study.coarse.grid.spacing_mm)) / 1000
    if metal_ml <= LEAST_METAL_ML:
        return finding
    explanation = f"There is metal in the {_words(structure)}; its border may be wrong there."
    return replace(finding, reason=Reason.METAL, explanation=explanation)


def _missing(structure: str, presence: Presence, version: str) -> Finding:
    confidence = confidence_missing(structure, presence.probability, version)
    return Finding(Outcome.MISSING, confidence, presence.reason, presence.explanation)


def _words(structure: str) -> str:
    return structure.replace("_", " ")


def _on_unknown_side(structure: str) -> Finding:
    explanation = f"The field of view shows too little of the head to tell the {_words(structure)} from the other one."
    return Finding(Outcome.FAILED, 1.0, Reason.NOT_IN_FIELD_OF_VIEW, explanation)
