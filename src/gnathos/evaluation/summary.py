"""Scores of many scans in a table: agreement over those that hold a structure, inventions counted apart."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.table import Table

from gnathos.evaluation.findings import CANALS, TEETH, ScanScores
from gnathos.evaluation.scores import TOLERANCES_MM, StructureScore
from gnathos.evaluation.teeth import TeethScore

TRACE_ML = dict.fromkeys((*CANALS, *TEETH), 0.05)
"""Less than this in a reference is a remainder at the border, which may be found or not."""
TRACE_OF_OTHERS_ML = 1.0
"""The same for structures not named there."""


@dataclass(frozen=True)
class StructureSummary:
    """One structure over many scans."""

    present: int
    """Scans whose reference holds more than a trace of it."""
    found: int
    """Of those, scans in which it was found."""
    absent: int
    """Scans whose reference has none of it at all."""
    invented: int
    """Of those, scans in which it was found all the same."""
    invented_ml: float
    """Volume of the largest invention."""
    dice: float | None = None
    """Means over the scans that hold it and in which it was found; so are the others."""
    dice_median: float | None = None
    dice_least: float | None = None
    within: tuple[float, ...] = ()
    """Normalised surface distance at each of `TOLERANCES_MM`."""
    average_mm: float | None = None
    hausdorff95_mm: float | None = None
    volume_error: float | None = None
    components: float | None = None


def summarise(name: str, scores: Sequence[StructureScore]) -> StructureSummary:
    """Put together one structure's scores."""
    trace = TRACE_ML.get(name, TRACE_OF_OTHERS_ML)
    present = [score for score in scores if score.reference_ml > trace]
    hits = [score for score in present if score.dice is not None]
    inventions = [score.found_ml for score in scores if score.is_false_positive]
    counts = StructureSummary(
        present=len(present),
        found=len(hits),
        absent=sum(score.reference_ml == 0 for score in scores),
        invented=len(inventions),
        invented_ml=max(inventions, default=0.0),
    )
    if not hits:
        return counts
    dices = [score.dice for score in hits if score.dice is not None]
    return StructureSummary(
        **{key: value for key, value in asdict(counts).items() if key in _COUNTS},
        dice=float(np.mean(dices)),
        dice_median=float(np.median(dices)),
        dice_least=min(dices),
        within=tuple(_mean([(score.within or {})[each] for score in hits]) for each in TOLERANCES_MM),
        average_mm=_mean([score.average_mm for score in hits]),
        hausdorff95_mm=_mean([score.hausdorff95_mm for score in hits]),
        volume_error=_mean([score.volume_error for score in hits]),
        components=_mean([score.components for score in hits]),
    )


_COUNTS = ("present", "found", "absent", "invented", "invented_ml")


def _mean(values: Sequence[float | None]) -> float:
    return float(np.mean([value for value in values if value is not None]))


def summarise_all(scans: Sequence[ScanScores]) -> dict[str, Any]:
    """Everything about many scans, ready for JSON."""
    names = list(dict.fromkeys(name for scan in scans for name in scan.structures))
    by_name = {name: [scan.structures[name] for scan in scans if name in scan.structures] for name in names}
    summary: dict[str, Any] = {name: asdict(summarise(name, scores)) for name, scores in by_name.items()}
    teeth = sum((scan.teeth for scan in scans if scan.teeth is not None), TeethScore(0, 0, 0, 0, ()))
    canals = [error for scan in scans for error in scan.canals.values()]
    return {"structures": summary, "teeth": _of_teeth(teeth), "canals": _of_canals(canals)}


def _of_teeth(teeth: TeethScore) -> dict[str, Any] | None:
    if not teeth.present and not teeth.found:
        return None
    counts = {name: getattr(teeth, name) for name in ("present", "found", "detected", "numbered_right")}
    dices = teeth.dice_of_detected
    shares = {"recall": teeth.recall, "precision": teeth.precision, "numbering": teeth.numbering}
    return {**counts, **shares, "dice_of_detected": float(np.mean(dices)) if dices else None}


def _of_canals(errors: Sequence[Any]) -> dict[str, Any] | None:
    if not errors:
        return None
    return {
        "count": len(errors),
        "mean_mm": float(np.mean([error.mean_mm for error in errors])),
        "worst_mm": max(error.mean_mm for error in errors),
        "share_within_1mm": float(np.mean([error.share_within_1mm for error in errors])),
        "ends_mm": np.mean([error.ends_mm for error in errors], axis=0).tolist(),
    }


def summary_table(scans: Sequence[ScanScores], title: str = "") -> Table:
    """A row per structure."""
    tolerances = [f"NSD {tolerance:g}" for tolerance in TOLERANCES_MM]
    columns = ("structure", "found", "invented", "Dice", "least", *tolerances, "average mm", "HD95 mm", "volume")
    table = Table(*columns, title=title)
    for name, row in summarise_all(scans)["structures"].items():
        figures = [row["dice"], row["dice_least"], *row["within"], row["average_mm"], row["hausdorff95_mm"]]
        counts = [f"{row['found']}/{row['present']}", f"{row['invented']}/{row['absent']}"]
        volume = [] if row["volume_error"] is None else [f"{row['volume_error']:+.1%}"]
        if row["invented"]:
            counts[1] += f" ({row['invented_ml']:.1f} ml)"
        table.add_row(name, *counts, *("" if each is None else f"{each:.3f}" for each in figures), *volume)
    return table
