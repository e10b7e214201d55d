"""The jaws at the fine network's resolution: teeth by number and the mandibular canals."""

from dataclasses import dataclass, replace
from functools import cached_property

import cc3d
import numpy as np

from gnathos.anatomy import is_upper
from gnathos.imaging import Volume
from gnathos.imaging.sampling import interpolate
from gnathos.segmentation.bones import LOWER, Bones, signed_distance_mm
from gnathos.segmentation.canal import CanalPath, draw_tube, trace_canal
from gnathos.segmentation.findings import Finding, Outcome, Reason
from gnathos.segmentation.network import CoarseAnatomy, Network
from gnathos.segmentation.presence import touches_border
from gnathos.segmentation.refine import part_around
from gnathos.segmentation.roots import RootContrast, contrast_of_roots
from gnathos.segmentation.sides import midline_of_head, one_side
from gnathos.segmentation.teeth import ToothEdges, ToothMap, find_teeth, tooth_field

LIKELY = 0.5
LEAST_JAW_ML = 1.0
"""Smaller pieces of jaw or teeth on the coarse grid are noise."""
LEAST_SHARE = 0.1
"""Further pieces count from this share of the largest."""
MARGIN_MM = 8.0
LARGEST_VOXEL_MM = 1.6
"""Edge of a cube as large as a voxel, up to which single teeth are told apart."""
CALIBRATION = (0.13, 1.21)
"""From the logit of a tooth's probability to that of being a tooth (overlap over union above 0.4) of that number.

Fitted on the 150 teeth found in seven synthetic scans of heads kept aside, of which 136 were right (Brier score 0.073;
0.085 for always saying 91 %), and tried on the 103 of four others, of which 95 were right (0.071; 0.072)."""
POSSIBLE = 0.3
TEETH_REACH_MM, CANAL_REACH_MM = 4.0, 3.0
"""How far from where the coarse network thinks them possible, teeth and canals are looked for."""
MOST_VOXELS = 4_000_000
"""Of the fine grid; a region that needs more is no jaw of a human."""


@dataclass(frozen=True)
class Jaws:
    """What the fine network says of one scan, and what follows from it."""

    scan: Volume
    """The part around the jaws; index axes along the patient's."""
    seen: CoarseAnatomy
    coarse: CoarseAnatomy

    @cached_property
    def teeth(self) -> ToothMap:
        """Told apart and numbered."""
        expected = {
            is_upper: interpolate(self.coarse.grid.with_voxels(self.coarse.probability(name)), self.seen.grid)
            for is_upper, name in ((True, "upper_teeth"), (False, "lower_teeth"))
        }
        return find_teeth(self.seen, expected)

    @cached_property
    def roots(self) -> RootContrast:
        """How teeth differ from the bone around them."""
        return contrast_of_roots(self.seen, self.coarse.levels)

    def canal(self, is_left: bool) -> CanalPath | None:
        """The canal of one side, if it can be followed."""
        bone = self.seen.probability(*LOWER) > LIKELY
        if not bone.any():
            return None
        teeth = self.seen.probability("upper_teeth", "lower_teeth") > LIKELY
        airway = interpolate(self.coarse.grid.with_voxels(self.coarse.probability("airway")), self.seen.grid) > LIKELY
        midline = midline_of_head(bone, teeth, airway, float(self.seen.grid.spacing_mm[2]))
        if midline is None:
            return None
        side = one_side(np.ones(bone.shape, np.bool_), midline, is_left)
        probability = np.where(side, self.seen.probability("canal"), np.float32(0))
        return trace_canal(self.seen.grid.with_voxels(probability), self.scan, self.seen.levels)


def look_at_jaws(scan: Volume, coarse: CoarseAnatomy, network: Network) -> Jaws | None:
    """Look at the jaws with the fine network.

    Args:
        scan: the whole scan, index axes along the patient's.
        coarse: the coarse network's answer.
        network: the fine one.

    Returns:
        None where the coarse network sees no jaw.
    """
    seen = coarse.probability("mandible", "canal", "upper_teeth", "lower_teeth") > LIKELY
    pieces = cc3d.connected_components(seen, connectivity=18)
    sizes_ml = np.bincount(pieces.ravel()) * float(np.prod(coarse.grid.spacing_mm)) / 1000
    sizes_ml[0] = 0
    if sizes_ml.max() < LEAST_JAW_ML:
        return None
    part = part_around(scan, (sizes_ml >= LEAST_SHARE * sizes_ml.max())[pieces], coarse.grid, MARGIN_MM)
    if np.prod(part.spacing_mm * part.shape) / network.spacing_mm**3 > MOST_VOXELS:
        return None
    return Jaws(part, _near_coarse(network.predict(part), coarse), coarse)


def _near_coarse(seen: CoarseAnatomy, coarse: CoarseAnatomy) -> CoarseAnatomy:
    """Teeth and canals near to where the coarse network sees teeth and mandible; elsewhere they are background.

    The fine network has learnt the jaws only and takes bone that it never saw for teeth.
    """
    probabilities = seen.probabilities.copy()
    for names, around, reach_mm in (
        (("upper_teeth", "lower_teeth"), ("upper_teeth", "lower_teeth"), TEETH_REACH_MM),
        (("canal",), LOWER, CANAL_REACH_MM),
    ):
        depth = signed_distance_mm(coarse.probability(*around) > POSSIBLE, coarse.grid)
        near = interpolate(coarse.grid.with_voxels(depth), seen.grid) > -reach_mm
        for name in names:
            channel = probabilities[seen.classes.index(name)]
            probabilities[seen.classes.index("background")] += np.where(near, np.float32(0), channel)
            channel[~near] = 0
    return replace(seen, probabilities=probabilities)


def find_tooth(jaws: Jaws | None, bones: Bones, fdi: int) -> Finding:
    """One tooth by its number (ISO 3950).

    Args:
        jaws: None where the scan shows none.
        bones: of the scan.
        fdi: permanent.
    """
    if jaws is not None and np.cbrt(np.prod(jaws.scan.spacing_mm)) > LARGEST_VOXEL_MM:
        explanation = "The scan's voxels are too large to tell single teeth apart."
        return Finding(Outcome.FAILED, 1.0, Reason.TOO_LITTLE_CONTRAST, explanation)
    if jaws is None or not jaws.teeth.by_fdi:
        return Finding(Outcome.MISSING, 0.9, Reason.NOT_FOUND, "No teeth are seen in the scan.")
    tooth = jaws.teeth.by_fdi.get(fdi)
    if tooth is None:
        return _missing_tooth(jaws, fdi)
    edges = ToothEdges(jaws.scan, jaws.coarse.levels, bones, jaws.roots)
    field = tooth_field(edges, jaws.seen, jaws.teeth, tooth.label)
    confidence = confidence_of_tooth(tooth.probability)
    if field is None:
        explanation = f"Where tooth {fdi} should be, the scan has too little contrast to draw its border."
        return Finding(Outcome.MISSING, 1 - confidence, Reason.TOO_LITTLE_CONTRAST, explanation)
    if touches_border(jaws.teeth.labels == tooth.label):
        explanation = f"The field of view cuts tooth {fdi}."
        return Finding(Outcome.FOUND, confidence, Reason.CUT_BY_BORDER, explanation, field)
    return Finding(Outcome.FOUND, confidence, field=field)


def confidence_of_tooth(probability: float) -> float:
    """How often a tooth with that probability of the networks and of its number was right; see `CALIBRATION`."""
    share = float(np.clip(probability, 1e-3, 1 - 1e-3))
    offset, slope = CALIBRATION
    return float(1 / (1 + np.exp(-(offset + slope * np.log(share / (1 - share))))))


def _missing_tooth(jaws: Jaws, fdi: int) -> Finding:
    neighbours = [tooth.probability for other, tooth in jaws.teeth.by_fdi.items() if is_upper(other) == is_upper(fdi)]
    if not neighbours:
        jaw = "upper" if is_upper(fdi) else "lower"
        return Finding(Outcome.MISSING, 0.8, Reason.NOT_FOUND, f"No teeth of the {jaw} jaw are seen in the scan.")
    explanation = f"None of the teeth seen is tooth {fdi}: it is not there, or was taken for another."
    return Finding(Outcome.MISSING, confidence_of_tooth(float(np.mean(neighbours))), Reason.NOT_FOUND, explanation)


def find_nerve(jaws: Jaws | None, is_left: bool) -> Finding:
    """One mandibular canal."""
    side = "left" if is_left else "right"
    path = jaws.canal(is_left) if jaws is not None else None
    if jaws is None or path is None:
        explanation = f"No canal could be followed on the {side}."
        return Finding(Outcome.MISSING, 0.7, Reason.NOT_FOUND, explanation)
    return Finding(Outcome.FOUND, path.probability, field=draw_tube(path, jaws.scan))
