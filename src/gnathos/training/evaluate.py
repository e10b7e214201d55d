"""The whole engine on synthetic scans of heads that training never saw.

`python -m gnathos.training.evaluate --anatomy FOLDER --cache FOLDER --scans 20 --out FILE.json`
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from gnathos.evaluation.findings import ScanScores, score_findings
from gnathos.evaluation.summary import summarise_all, summary_table
from gnathos.imaging import Volume
from gnathos.segmentation import BuiltinSegmenter
from gnathos.training.anatomy import load_anatomy
from gnathos.training.heldout import KINDS, HeldOutScan, draw
from gnathos.training.scene import Anatomy
from gnathos.training.second_head import KINDS as SECOND_KINDS
from gnathos.training.second_head import load_second_head

STRUCTURES = ("mandible", "skull", "left_sinus", "right_sinus", "airway", "soft_tissue")


@dataclass(frozen=True)
class Heads:
    """Where scans come from, and what of them can be scored."""

    load: Callable[[Path, Path], Anatomy]
    """From the folders of the anatomy and of the cache."""
    kinds: Mapping[str, float]
    structures: Sequence[str]
    scans: str
    """Folder in the cache."""


def _kept_aside(anatomy: Path, cache: Path) -> Anatomy:
    return load_anatomy(anatomy, cache, fine=True)[1]


HEADS = {
    "aside": Heads(_kept_aside, KINDS, STRUCTURES, "scans"),
    "second": Heads(load_second_head, SECOND_KINDS, ("mandible",), "second_scans"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw or load the scans, segment, score, print."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    segmenter = BuiltinSegmenter(options.threads)
    rows: list[dict[str, Any]] = []
    scores: list[ScanScores] = []
    heads = HEADS[options.heads]
    for scan in heldout_scans(options.anatomy, options.cache, options.first, options.scans, options.spacing, heads):
        began = time.monotonic()
        row, score = judge(scan, segmenter, options.structures or heads.structures)
        rows.append({**row, "seconds": round(time.monotonic() - began, 1)})
        scores.append(score)
        Console(stderr=True, soft_wrap=True).print(_line(rows[-1], score))
    Console(width=170).print(summary_table(scores, f"{len(scores)} synthetic scans, {segmenter.version}"))
    if options.out:
        summary = {
            "segmenter": segmenter.version,
            "spacing_mm": options.spacing,
            "heads": options.heads,
            **summarise_all(scores),
        }
        options.out.write_text(json.dumps({**summary, "scans": rows}, indent=1))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--anatomy", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True, help="where atlas, shapes and scans are kept")
    parser.add_argument("--scans", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="number of the first scan")
    parser.add_argument("--spacing", type=float, default=0.5, help="edge of the voxels in mm")
    parser.add_argument("--heads", choices=HEADS, default="aside", help="of shapes kept aside, or of a second anatomy")
    parser.add_argument("--structures", nargs="+", help="to score; by default all of which the truth is known")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="a JSON file with everything")
    return parser


def heldout_scans(
    anatomy: Path, cache: Path, first: int, count: int, spacing_mm: float, heads: Heads = HEADS["aside"]
) -> Iterator[HeldOutScan]:
    """Scans by number, drawn once and then kept."""
    loaded = None
    for number in range(first, first + count):
        path = cache / heads.scans / f"{number:04d}-{spacing_mm:g}mm.npz"
        if not path.exists():
            loaded = loaded or heads.load(anatomy, cache)
            path.parent.mkdir(parents=True, exist_ok=True)
            draw(loaded, number, spacing_mm, heads.kinds).save(path)
        yield HeldOutScan.load(path, number)


def judge(
    scan: HeldOutScan, segmenter: BuiltinSegmenter, structures: Sequence[str]
) -> tuple[dict[str, Any], ScanScores]:
    """What was found in one scan, ready for JSON, and its scores."""
    segmentation = segmenter.segment(scan.volume, structures, lambda _: None)
    truth = Volume(scan.labels, scan.volume.affine_lps)
    scores = score_findings(segmentation.findings, truth, "gnathos")
    findings = {
        name: {
            "outcome": finding.outcome.value,
            "reason": finding.reason.value if finding.reason else None,
            "confidence": round(finding.confidence, 4),
            **asdict(scores.structures[name]),
        }
        for name, finding in segmentation.findings.items()
        if name in scores.structures
    }
    warnings = [warning["code"] for warning in segmentation.warnings]
    return {"number": scan.number, "kind": scan.kind, "warnings": warnings, "findings": findings}, scores


def _line(row: dict[str, Any], score: ScanScores) -> str:
    told = [
        f"{name} {each.dice:.3f}" if each.dice is not None else f"{name} {each.found_ml:.1f}/{each.reference_ml:.1f} ml"
        for name, each in score.structures.items()
        if each.found_ml or each.reference_ml
    ]
    return f"{row['number']} {row['kind']} {row['seconds']} s: {', '.join(told)} {' '.join(row['warnings'])}"


if __name__ == "__main__":
    main()
