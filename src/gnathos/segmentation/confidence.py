"""How sure an outcome is, as a probability: measured on synthetic scans of heads that training never saw.

What is found gets the probability that its Dice is at least `GOOD_DICE`, by a logistic regression on what is known
without a reference; what is missing, the share of such answers that were right. The table beside the weights is made
by `python -m gnathos.training.calibrate`; for weights other than those it was made with, it does not hold.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from gnathos.imaging import Volume
from gnathos.imaging.sampling import interpolate
from gnathos.segmentation.network import WEIGHTS, CoarseAnatomy

GOOD_DICE = 0.9
TABLE = WEIGHTS / "confidence.json"
FEATURES = ("network's mean", "agreement with the coarse shape", "contrast to noise", "cut")
_LIMIT = 1e-3
"""Shares are kept so far from 0 and 1 before their logarithm is taken."""


@dataclass(frozen=True)
class Signs:
    """What is known of a found structure without a reference."""

    probability: float
    """The network's mean in the coarse shape."""
    agreement: float
    """Dice of the result with the coarse shape, on the network's grid."""
    contrast_to_noise: float
    """Of the scan, bone against soft tissue."""
    is_cut: bool

    def features(self) -> npt.NDArray[np.float64]:
        """(4,) in the order of `FEATURES`."""
        shares = np.clip([self.probability, self.agreement], _LIMIT, 1 - _LIMIT)
        logits = np.log(shares / (1 - shares))
        return np.array([*logits, np.log(max(self.contrast_to_noise, 0.1)), float(self.is_cut)])


def confidence_found(structure: str, signs: Signs, version: str) -> float:
    """The probability that what was found is good; the network's mean where this version was not calibrated."""
    entry = _table(version).get(structure, {}).get("found")
    if entry is None:
        return signs.probability
    return logistic(signs.features(), np.array(entry["weights"]), np.array(entry["centre"]), np.array(entry["scale"]))


def confidence_missing(structure: str, highest_probability: float, version: str) -> float:
    """The probability that a structure is missing indeed."""
    entry = _table(version).get(structure, {}).get("missing")
    return 1 - highest_probability / 2 if entry is None else float(entry["right"])


def logistic(
    features: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
    centre: npt.NDArray[np.float64],
    scale: npt.NDArray[np.float64],
) -> float:
    """Probability by a logistic regression on standardised features; the last weight is the constant."""
    return float(1 / (1 + np.exp(-((features - centre) / scale @ weights[:-1] + weights[-1]))))


@lru_cache
def _table(version: str) -> dict[str, Any]:
    """By structure; empty where the table is of other weights or another method."""
    table: dict[str, Any] = json.loads(TABLE.read_text()) if TABLE.is_file() else {}
    return table["structures"] if table.get("weights") == version else {}


def agreement(mask: npt.NDArray[np.bool_], field: Volume, grid: Volume) -> float:
    """Dice of a result with the coarse shape that it came from, on the network's grid."""
    low, high = field.corners_lps_mm
    indices = grid.indices_at([low, high])
    start = np.clip(np.ceil(indices[0]), 0, grid.shape).astype(int)
    stop = np.clip(np.floor(indices[1]) + 1, start, grid.shape).astype(int)
    part = grid.crop(start, stop)
    if not part.voxels.size:
        return 0.0
    found = interpolate(field, part) > 0
    window = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    return float(2 * (found & mask[window]).sum() / max(int(found.sum()) + int(mask.sum()), 1))


def contrast_to_noise(coarse: CoarseAnatomy) -> float:
    """Bone above soft tissue, over the noise within soft tissue, on the network's grid."""
    gray = coarse.grid.voxels
    soft = coarse.probability("soft_tissue") > 0.9
    steps = [np.diff(gray, axis=axis)[_both(soft, axis)] for axis in range(3)]
    differences = np.concatenate([step.ravel() for step in steps])
    if differences.size < 100:
        return 1.0
    noise = 1.4826 * float(np.median(np.abs(differences))) / np.sqrt(2)
    return float((coarse.levels.bone - coarse.levels.soft) / max(noise, 1e-6))


def _both(mask: npt.NDArray[np.bool_], axis: int) -> npt.NDArray[np.bool_]:
    """Whether a voxel and the next along an axis are both in a mask."""
    first = np.take(mask, np.arange(mask.shape[axis] - 1), axis)
    return np.asarray(first & np.take(mask, np.arange(1, mask.shape[axis]), axis))
