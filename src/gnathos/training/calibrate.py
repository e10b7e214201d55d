"""How sure the engine may be: `python -m gnathos.training.calibrate --anatomy FOLDER --cache FOLDER --scans 40`.

Segments synthetic scans of heads kept aside and fits, per structure, a logistic regression from what is known without
a reference to whether the result is good. Writes the table beside the weights. Figures of reliability come from
cross-validation: each scan is judged by a fit that left it out.
"""

import argparse
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from scipy.optimize import minimize

from gnathos.evaluation.conventions import reference_mask
from gnathos.evaluation.findings import mask_of
from gnathos.evaluation.scores import dice
from gnathos.evaluation.summary import TRACE_ML, TRACE_OF_OTHERS_ML
from gnathos.imaging import Volume
from gnathos.segmentation import BuiltinSegmenter, Outcome
from gnathos.segmentation.confidence import FEATURES, GOOD_DICE, TABLE, logistic
from gnathos.training.evaluate import STRUCTURES, heldout_scans

Array = npt.NDArray[np.float64]

FIRST_SCAN = 1000
"""Numbers of the scans to calibrate on begin here; those of `gnathos.training.evaluate` at 0."""
FOLDS = 5
PENALTY = 1.0
"""On the squares of all weights but the constant: there are few scans."""
BINS = (0.0, 0.5, 0.8, 1.0)


@dataclass(frozen=True)
class Outcomes:
    """What became of one structure over all scans."""

    features: Array
    """(found, features)."""
    is_good: Array
    """(found,) 1 where the Dice is at least `GOOD_DICE`."""
    missing_right: int
    missing_wrong: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Segment, fit, write, print."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    segmenter = BuiltinSegmenter(1)
    scans = heldout_scans(options.anatomy, options.cache, FIRST_SCAN, options.scans, options.spacing)
    outcomes = observe(scans, segmenter)
    table = {
        "weights": segmenter.calibration,
        "scans": options.scans,
        "spacing_mm": options.spacing,
        "good_dice": GOOD_DICE,
        "features": FEATURES,
        "structures": {name: entry_of(each) for name, each in outcomes.items()},
    }
    options.out.write_text(json.dumps(table, indent=1) + "\n")
    Console().print_json(json.dumps({name: each["reliability"] for name, each in table["structures"].items()}))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--anatomy", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True, help="where atlas, shapes and scans are kept")
    parser.add_argument("--scans", type=int, default=40)
    parser.add_argument("--spacing", type=float, default=1.0, help="edge of the voxels in mm")
    parser.add_argument("--out", type=Path, default=Path(str(TABLE)))
    return parser


def observe(scans: Any, segmenter: BuiltinSegmenter) -> dict[str, Outcomes]:
    """Segment all scans and see what each structure's outcome was worth."""
    found: dict[str, list[tuple[Array, float]]] = {name: [] for name in STRUCTURES}
    missing: dict[str, list[bool]] = {name: [] for name in STRUCTURES}
    for scan in scans:
        findings = segmenter.segment(scan.volume, STRUCTURES, lambda _: None).findings
        grid = Volume(scan.labels, scan.volume.affine_lps)
        for name, finding in findings.items():
            truth = reference_mask(scan.labels, "gnathos", name)
            if finding.outcome is Outcome.FOUND and finding.signs is not None:
                mask = mask_of(finding, grid)
                is_good = bool(mask.any()) and dice(truth, mask) >= GOOD_DICE
                found[name].append((finding.signs.features(), float(is_good)))
            elif finding.outcome is Outcome.MISSING:
                truth_ml = float(truth.sum() * np.prod(grid.spacing_mm)) / 1000
                missing[name].append(truth_ml <= TRACE_ML.get(name, TRACE_OF_OTHERS_ML))
    return {name: _outcomes(found[name], missing[name]) for name in STRUCTURES}


def _outcomes(found: Sequence[tuple[Array, float]], missing: Sequence[bool]) -> Outcomes:
    features = np.array([each for each, _ in found]).reshape(-1, len(FEATURES))
    is_good = np.array([good for _, good in found])
    return Outcomes(features, is_good, sum(missing), len(missing) - sum(missing))


def entry_of(outcomes: Outcomes) -> dict[str, Any]:
    """A structure's line of the table."""
    right, wrong = outcomes.missing_right, outcomes.missing_wrong
    missing = {"right": (right + 1) / (right + wrong + 2), "of": right + wrong}  # Laplace's rule: few are known
    if len(outcomes.is_good) < 2 * FOLDS:
        return {"found": None, "missing": missing, "reliability": None}
    predicted = cross_validated(outcomes.features, outcomes.is_good)
    return {
        "found": fit(outcomes.features, outcomes.is_good),
        "missing": missing,
        "reliability": reliability(predicted, outcomes.is_good),
    }


def fit(features: Array, is_good: Array) -> dict[str, list[float]]:
    """Logistic regression with a penalty on standardised features."""
    centre, scale = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-3)
    standard = np.column_stack([(features - centre) / scale, np.ones(len(features))])
    signs = 2 * is_good - 1

    def loss(weights: Array) -> float:
        fitted = np.logaddexp(0, -signs * (standard @ weights)).sum()
        return float(fitted + PENALTY * (weights[:-1] ** 2).sum() / 2 + 0.05 * weights[-1] ** 2)

    weights = minimize(loss, np.zeros(standard.shape[1]), method="BFGS").x
    return {"weights": weights.tolist(), "centre": centre.tolist(), "scale": scale.tolist()}


def cross_validated(features: Array, is_good: Array) -> Array:
    """(n,) probability of each result by a fit that left it out."""
    predicted = np.empty(len(is_good))
    folds = np.arange(len(is_good)) % FOLDS
    for fold in range(FOLDS):
        entry = {key: np.array(value) for key, value in fit(features[folds != fold], is_good[folds != fold]).items()}
        for place in np.flatnonzero(folds == fold):
            predicted[place] = logistic(features[place], entry["weights"], entry["centre"], entry["scale"])
    return predicted


def reliability(predicted: Array, is_good: Array) -> dict[str, Any]:
    """Brier score, that of always saying the mean, and per bin of confidence how many were good."""
    bins = []
    for low, high in itertools.pairwise(BINS):
        chosen = (predicted >= low) & ((predicted < high) | (high == BINS[-1]))
        if chosen.any():
            said, were = float(predicted[chosen].mean()), float(is_good[chosen].mean())
            bins.append({"results": int(chosen.sum()), "said": round(said, 3), "were_good": round(were, 3)})
    brier = float(((predicted - is_good) ** 2).mean())
    return {
        "results": len(is_good),
        "good": int(is_good.sum()),
        "brier": round(brier, 4),
        "brier_of_the_mean": round(float(is_good.var()), 4),
        "bins": bins,
    }


if __name__ == "__main__":
    main()
