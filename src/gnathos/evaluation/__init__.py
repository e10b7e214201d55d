"""How near one segmentation is to another: the measures by which claims about accuracy are checked."""

from gnathos.evaluation.centrelines import CentrelineError, compare_centrelines
from gnathos.evaluation.scores import StructureScore, score_labels, score_masks
from gnathos.evaluation.surfaces import SurfaceDistances, measure_surfaces
from gnathos.evaluation.teeth import TeethScore, score_teeth

__all__ = [
    "CentrelineError",
    "StructureScore",
    "SurfaceDistances",
    "TeethScore",
    "compare_centrelines",
    "measure_surfaces",
    "score_labels",
    "score_masks",
    "score_teeth",
]
