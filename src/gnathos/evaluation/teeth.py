"""Teeth: found or not, and numbered right."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.integer]

_LEAST_IOU = 0.5


@dataclass(frozen=True)
class TeethScore:
    """Counts over the teeth of one scan; add scans up before taking shares."""

    present: int
    """Teeth in the reference."""
    found: int
    """Teeth in the result."""
    detected: int
    """Pairs of the two that overlap at least by half (intersection over union)."""
    numbered_right: int
    """Pairs that carry the same number."""
    dice_of_detected: tuple[float, ...]

    @property
    def recall(self) -> float:
        """Share of the present teeth that were detected; 1 where none is present."""
        return self.detected / self.present if self.present else 1.0

    @property
    def precision(self) -> float:
        """Share of the found teeth that are there; 1 where none was found."""
        return self.detected / self.found if self.found else 1.0

    @property
    def numbering(self) -> float | None:
        """Share of the detected teeth with the right number; None where none was detected."""
        return self.numbered_right / self.detected if self.detected else None

    def __add__(self, other: "TeethScore") -> "TeethScore":
        return TeethScore(
            self.present + other.present,
            self.found + other.found,
            self.detected + other.detected,
            self.numbered_right + other.numbered_right,
            self.dice_of_detected + other.dice_of_detected,
        )


def score_teeth(reference: Labels, found: Labels) -> TeethScore:
    """Compare two maps of FDI numbers on one grid (0 elsewhere).

    Teeth are paired by overlap, whatever their numbers: with at least half in common, a tooth has one partner at most.
    """
    truth, guess, common = _overlaps(reference, found)
    pairs = []
    for (a, b), shared in common.items():
        if shared / (truth[a] + guess[b] - shared) >= _LEAST_IOU:
            pairs.append((a, b, 2 * shared / (truth[a] + guess[b])))
    right = sum(a == b for a, b, _ in pairs)
    return TeethScore(len(truth), len(guess), len(pairs), right, tuple(dice for _, _, dice in pairs))


def _overlaps(reference: Labels, found: Labels) -> tuple[dict[int, int], dict[int, int], dict[tuple[int, int], int]]:
    """Voxels of each tooth of the reference, of the result, and of each pair."""
    truth, guess = _sizes(reference), _sizes(found)
    both = (reference > 0) & (found > 0)
    pairs, counts = np.unique(np.stack([reference[both], found[both]]), axis=1, return_counts=True)
    common = {(int(a), int(b)): int(count) for (a, b), count in zip(pairs.T, counts, strict=True)}
    return truth, guess, common


def _sizes(labels: Labels) -> dict[int, int]:
    values, counts = np.unique(labels[labels > 0], return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))
