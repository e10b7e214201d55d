"""Which tooth is which: numbers along an arch, with gaps allowed.

The fragments of one jaw's teeth are put in the order of the arch, from the patient's right to the left. Runs of
neighbouring fragments are teeth, and take the 16 places of that arch in the same order: by what the network takes them
for, how wide they are, how firmly their fragments hang together, how far each stands from the next, and on which side
of the midline. A segmental hidden Markov model over runs and places gives the likeliest teeth, their numbers, and how
sure each is. Left and right come from the patient's axes alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.special import logsumexp

from gnathos.segmentation.fragments import Fragment

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]
Reduce = Callable[..., Any]
"""`np.max` for the likeliest course, `logsumexp` for the sum over all courses."""

WIDTHS_MM = {
    True: (8.5, 6.5, 7.5, 7.0, 7.0, 10.0, 9.0, 8.5),
    False: (5.0, 5.5, 7.0, 7.0, 7.0, 11.0, 10.5, 10.0),
}
"""From mesial to distal, upper and lower, from the midline (Nelson and Ash, Wheeler's Dental Anatomy, 9th edition)."""
PLACES_SEEN = {
    True: (0.95, 1.65, 3.0, 3.95, 5.0, 6.1, 6.9, 8.15),
    False: (1.1, 1.65, 2.95, 4.05, 5.15, 6.1, 6.95, 8.05),
}
PLACE_DEVIATIONS = {
    True: (0.3, 0.3, 0.25, 0.3, 0.4, 0.3, 0.25, 0.25),
    False: (0.45, 0.65, 0.4, 0.3, 0.3, 0.3, 0.25, 0.25),
}
"""What the network answers for teeth of each place from the midline, measured on synthetic scans, and how far the
answers spread: 1.3 times their standard deviation, since neighbours err alike."""
ROUND = 0.87
"""Width of a tooth from the spread of what is in it, as a share of its greatest width: most are round."""
WIDTH_DEVIATION_SHARE, WIDTH_DEVIATION_MM = 0.15, 0.5
LEAST_VOLUME_MM3, VOLUME_DEVIATION = 200.0, 0.5
"""Teeth are seldom smaller; the deviation is that of the logarithm."""
LONGEST_RUN = 8
"""Fragments of one tooth."""
LOOSE_LOG = -3.0
"""What it costs that parts of a tooth do not touch."""
STEP_DEVIATION_MM, STEP_DEVIATION_SHARE = 1.5, 0.15
"""Of the distance between two teeth, and of what it grows by with that distance."""
MISSING_LOG = -1.5
"""Of a tooth that is missing between others."""
MIDLINE_DEVIATION_MM = 2.0
STRAY_LOG, STRAY_LOG_PER_MM3, MOST_STRAY_LOG = -1.0, -1 / 40, -9.0
"""What it costs to call something that looks like a tooth none: a fragment, or one too many; large ones cost more."""
LEAST_LOG = -12.0
"""No single clue counts for more."""


@dataclass(frozen=True)
class Number:
    """What a fragment was numbered as."""

    fdi: int | None
    """None: not a tooth of this arch."""
    probability: float
    """Of that number, given that the teeth are as the network sees them."""


@dataclass(frozen=True)
class _Runs:
    """Neighbouring fragments that may be one tooth, all there are, by their first one."""

    first: Integers
    last: Integers
    centre_lps_mm: Floats
    place: Floats
    volume_mm3: Floats
    width_mm: Floats
    bond: Floats
    """Log-odds of being one tooth rather than several."""


def number_teeth(
    fragments: Sequence[Fragment], bonds: Floats, is_upper: bool, midline_mm: float | None = None
) -> list[Number]:
    """Join the fragments of one jaw's teeth and number them.

    Args:
        fragments: in any order.
        bonds: (n, n) log-odds that two are of one tooth, not a number where they do not touch.
        is_upper: which jaw.
        midline_mm: x of the patient's midline, where it is known; else it is taken from the teeth.

    Returns:
        One number for each fragment, in the same order; those of one tooth have the same.

    Source: Viterbi and forward-backward over places, as ToothSeg does with offsets learnt from labelled scans; here
        over runs as well, as segmental hidden Markov models do.
    """
    if not fragments:
        return []
    if midline_mm is None:
        midline_mm = midline_of(fragments)
    order = np.argsort([fragment.along_mm for fragment in fragments], kind="stable")
    in_order = [fragments[index] for index in order]
    runs = _runs_of(in_order, bonds[np.ix_(order, order)])
    course = _Course(runs, _log_of_seen(runs, is_upper, midline_mm), _log_of_strays(in_order), is_upper)
    numbers = [Number(None, 0.0)] * len(fragments)
    for run, state, probability in course.likeliest():
        number = Number(fdi_of_state(state, is_upper), probability)
        for position in range(runs.first[run], runs.last[run] + 1):
            numbers[order[position]] = number
    return numbers


_STATES = 16
_PLACE_OF = np.array([*range(8, 0, -1), *range(1, 9)], float)
"""Place from the midline of each state, from the right-most to the left-most."""
_SIDE_OF = np.repeat([-1.0, 1.0], 8)


def _by_state(from_midline: Sequence[float]) -> Floats:
    """Of each state, what is the same on both sides."""
    return np.array([*reversed(from_midline), *from_midline])


def fdi_of_state(state: int, is_upper: bool) -> int:
    """Number (ISO 3950) of the state-th tooth from the patient's right, 0-15."""
    quadrant = (1, 2) if is_upper else (4, 3)
    return quadrant[int(state >= _STATES // 2)] * 10 + int(_PLACE_OF[state])


def midline_of(fragments: Sequence[Fragment]) -> float:
    """x of the midline by fragments of either jaw or both; see `find_midline`."""
    x, places = np.array([(fragment.centre_lps_mm[0], fragment.place) for fragment in fragments]).T
    return find_midline(x, places)


def find_midline(x_mm: Floats, places: Floats) -> float:
    """Where the arch turns: half-way between teeth of like places that stand apart; else beyond the teeth.

    Args:
        x_mm: (n,) to the patient's left.
        places: (n,) counted from the midline.
    """
    first, second = np.triu_indices(len(x_mm), 1)
    alike = np.abs(places[first] - places[second]) < 0.6
    apart = np.abs(x_mm[first] - x_mm[second]) > 3 + 3 * (places[first] + places[second] - 2)
    if (pairs := alike & apart).any():
        return float(np.median((x_mm[first] + x_mm[second])[pairs] / 2))
    if len(x_mm) < 2 or np.ptp(x_mm) < 1:
        return float(x_mm.mean())
    slope = np.polyfit(x_mm, places, 1)[0]
    return float(x_mm.min() - 4 if slope > 0 else x_mm.max() + 4)


def _runs_of(fragments: Sequence[Fragment], bonds: Floats) -> _Runs:
    count = len(fragments)
    pairs = [(a, b) for a in range(count) for b in range(a, min(count, a + LONGEST_RUN))]
    first, last = np.array(pairs, np.intp).T
    volume = np.array([fragment.volume_mm3 for fragment in fragments])
    along = np.array([fragment.along_mm for fragment in fragments])
    spread = np.array([fragment.spread_mm2 for fragment in fragments])
    centre = np.array([fragment.centre_lps_mm for fragment in fragments])
    place = np.array([fragment.place for fragment in fragments])

    def total(values: Floats) -> Floats:
        sums = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
        return np.asarray(sums[last + 1] - sums[first])

    whole = total(volume)
    middle = total(volume * along) / whole
    variance = total(volume * (spread + along**2)) / whole - middle**2
    return _Runs(
        first,
        last,
        total(volume[:, None] * centre) / whole[:, None],
        total(volume * place) / whole,
        whole,
        np.sqrt(12 * np.maximum(variance, 0.1)),
        np.array([_bond_of(bonds[a : b + 1, a : b + 1]) for a, b in pairs]),
    )


def _bond_of(bonds: Floats) -> float:
    """Log-odds that all these fragments are one tooth."""
    touch = ~np.isnan(bonds)
    parts = connected_components(csr_array(touch | np.eye(len(bonds), dtype=bool)), directed=False)[0]
    return float(np.nansum(np.triu(bonds, 1)) + LOOSE_LOG * (parts - 1))


def _log_of_seen(runs: _Runs, is_upper: bool, midline_mm: float) -> Floats:
    """(runs, states) log-likelihood of what was seen of each run as a tooth."""
    widths = ROUND * _by_state(WIDTHS_MM[is_upper])
    place_error = (runs.place[:, None] - _by_state(PLACES_SEEN[is_upper])) / _by_state(PLACE_DEVIATIONS[is_upper])
    place = -0.5 * place_error**2 - np.log(_by_state(PLACE_DEVIATIONS[is_upper]))
    width = -0.5 * ((runs.width_mm[:, None] - widths) / (WIDTH_DEVIATION_SHARE * widths + WIDTH_DEVIATION_MM)) ** 2
    small = -0.5 * (np.log(np.minimum(runs.volume_mm3, LEAST_VOLUME_MM3) / LEAST_VOLUME_MM3) / VOLUME_DEVIATION) ** 2
    from_midline = runs.centre_lps_mm[:, :1] - midline_mm
    side = -np.logaddexp(0, -_SIDE_OF * from_midline / MIDLINE_DEVIATION_MM)
    bound = [np.maximum(clue, LEAST_LOG) for clue in (place, width, small[:, None])]
    return np.asarray(sum(bound) + side + runs.bond[:, None])


def _log_of_strays(fragments: Sequence[Fragment]) -> Floats:
    volumes = np.array([fragment.volume_mm3 for fragment in fragments])
    return np.asarray(np.maximum(STRAY_LOG + STRAY_LOG_PER_MM3 * volumes, MOST_STRAY_LOG))


def _log_of_steps(way_mm: Floats, is_upper: bool) -> Floats:
    """(n, states, states) log-likelihood of a way from one tooth to the next."""
    widths = np.array(WIDTHS_MM[is_upper])
    middles = np.cumsum(widths) - widths / 2
    along = np.concatenate([-middles[::-1], middles])
    missing = np.arange(_STATES)[None] - np.arange(_STATES)[:, None] - 1
    chord = _chords(along, is_upper)
    deviation = STEP_DEVIATION_MM + STEP_DEVIATION_SHARE * chord
    log = -0.5 * ((way_mm[:, None, None] - chord) / deviation) ** 2 - np.log(deviation)
    return np.where(missing >= 0, np.maximum(log, LEAST_LOG) + MISSING_LOG * missing, -np.inf)


def _chords(along: Floats, is_upper: bool) -> Floats:
    """(states, states) straight distances between places of an average arch, a parabola of that length."""
    depth, half_width = (45.0, 25.0) if is_upper else (42.0, 23.0)
    x = np.linspace(-1.3, 1.3, 521) * half_width
    y = depth * (x / half_width) ** 2
    length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    length -= length[len(length) // 2]
    places = np.stack([np.interp(along, length, x), np.interp(along, length, y)], axis=-1)
    return np.asarray(np.linalg.norm(places[:, None] - places[None], axis=-1))


class _Course:
    """All ways to take runs for teeth in the order of the arch, with strays left out."""

    def __init__(self, runs: _Runs, seen: Floats, strays: Floats, is_upper: bool) -> None:
        self._runs, self._seen = runs, seen
        sums = np.concatenate([[0], np.cumsum(strays)])
        self._before, self._behind = sums[runs.first], sums[-1] - sums[runs.last + 1]
        self._earlier: list[Integers] = []
        self._steps: list[Floats] = []
        for run in range(len(runs.first)):
            gap = runs.first[run] - runs.last
            earlier = np.flatnonzero((gap > 0) & (gap < LONGEST_RUN))
            way = np.linalg.norm(runs.centre_lps_mm[earlier, :2] - runs.centre_lps_mm[run, :2], axis=1)
            skipped = sums[runs.first[run]] - sums[runs.last[earlier] + 1]
            self._earlier.append(earlier)
            self._steps.append(_log_of_steps(way, is_upper) + skipped[:, None, None])

    def likeliest(self) -> list[tuple[int, int, float]]:
        """Run, state and probability of each tooth of the likeliest course.

        The probability is that of all courses in which a run that is mostly the same has this state.
        """
        best = self._forward(np.max) + self._backward(np.max)
        before = self._forward(logsumexp)
        everything = logsumexp(before + self._behind[:, None])
        share = np.exp(before + self._backward(logsumexp) - everything)
        hits = np.argwhere(best > best.max() - 1e-9)
        return [(int(run), int(state), min(1.0, float(share[self._like(run), state].sum()))) for run, state in hits]

    def _like(self, run: int) -> npt.NDArray[np.bool_]:
        """Runs that share more than half of the larger one's fragments."""
        first, last = self._runs.first, self._runs.last
        shared = np.minimum(last, last[run]) - np.maximum(first, first[run]) + 1
        return np.asarray(2 * shared > np.maximum(last - first, last[run] - first[run]) + 1)

    def _forward(self, reduce: Reduce) -> Floats:
        """Up to and with each run in each state."""
        total = np.empty_like(self._seen)
        for run, (earlier, steps) in enumerate(zip(self._earlier, self._steps, strict=True)):
            ways = np.full((1, _STATES), self._before[run])
            if len(earlier):
                reached = reduce(total[earlier][:, :, None] + steps, axis=(0, 1))
                ways = np.concatenate([ways, reached[None]])
            total[run] = reduce(ways, axis=0) + self._seen[run]
        return total

    def _backward(self, reduce: Reduce) -> Floats:
        """Behind each run in each state."""
        total = np.repeat(self._behind[:, None], _STATES, axis=1)
        for run in reversed(range(len(total))):
            earlier, steps = self._earlier[run], self._steps[run]
            if len(earlier):
                left = reduce(steps + (self._seen[run] + total[run])[None, None], axis=2)
                total[earlier] = reduce(np.stack([total[earlier], left]), axis=0)
        return total
