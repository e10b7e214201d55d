"""Which tooth is which: numbers along an arch, with gaps allowed.

The teeth of one jaw are put in the order of the arch, from the patient's right to the left, and take the 16 places of
that arch in the same order: each what the network takes it for, how far it stands from the next, and on which side of
the midline. A hidden Markov model over places gives the likeliest numbers and how sure each is. Left and right come
from the patient's axes alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

Floats = npt.NDArray[np.float64]

WIDTHS_MM = {
    True: (8.5, 6.5, 7.5, 7.0, 7.0, 10.0, 9.0, 8.5),
    False: (5.0, 5.5, 7.0, 7.0, 7.0, 11.0, 10.5, 10.0),
}
"""From mesial to distal, upper and lower, from the midline (Nelson and Ash, Wheeler's Dental Anatomy, 9th edition)."""
PLACE_DEVIATION = 0.7
"""Standard deviation of the network's place of a whole tooth."""
STEP_DEVIATION_MM, STEP_DEVIATION_SHARE = 1.5, 0.15
"""Of the distance between two teeth, and of what it grows by with that distance."""
MIDLINE_DEVIATION_MM = 2.0
STRAY_LOG = -9.0
"""What it costs to call something that looks like a tooth none: a fragment, or one too many."""
BEHIND_MM = 15.0
"""The arch is seen from a point so far behind its last tooth."""


@dataclass(frozen=True)
class SeenTooth:
    """One thing that looks like a tooth."""

    centre_lps_mm: tuple[float, float, float]
    place: float
    """Counted from the midline by the network, 0.5-8.5."""


@dataclass(frozen=True)
class Number:
    """What a tooth was numbered as."""

    fdi: int | None
    """None: not a tooth of this arch."""
    probability: float
    """Of that number, given that the teeth are as the network sees them."""


def number_teeth(teeth: Sequence[SeenTooth], is_upper: bool, midline_mm: float | None = None) -> list[Number]:
    """Number the teeth of one jaw.

    Args:
        teeth: in any order.
        is_upper: which jaw.
        midline_mm: x of the patient's midline, where it is known; else it is taken from the teeth.

    Returns:
        One number for each tooth, in the same order; no two the same.

    Source: Viterbi and forward-backward over places, as ToothSeg does with offsets learnt from labelled scans.
    """
    if not teeth:
        return []
    centres = np.array([tooth.centre_lps_mm for tooth in teeth], float)
    places = np.array([tooth.place for tooth in teeth], float)
    midline = find_midline(centres[:, 0], places) if midline_mm is None else midline_mm
    order = order_along_arch(centres, midline)
    seen = _log_of_seen(centres[order, 0] - midline, places[order])
    steps = _log_of_steps(centres[order], is_upper)
    states, probability = _decode(seen, steps)
    numbers = [Number(None, 0.0)] * len(teeth)
    for position, index in enumerate(order):
        state = int(states[position])
        fdi = None if state == _STRAY else fdi_of_state(state, is_upper)
        numbers[index] = Number(fdi, float(probability[position]))
    return numbers


_STATES = 16
_STRAY = -1
_PLACE_OF = np.array([*range(8, 0, -1), *range(1, 9)], float)
"""Place from the midline of each state, from the right-most to the left-most."""
_SIDE_OF = np.repeat([-1.0, 1.0], 8)


def fdi_of_state(state: int, is_upper: bool) -> int:
    """Number (ISO 3950) of the state-th tooth from the patient's right, 0-15."""
    quadrant = (1, 2) if is_upper else (4, 3)
    return quadrant[int(state >= _STATES // 2)] * 10 + int(_PLACE_OF[state])


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


def order_along_arch(centres_lps_mm: Floats, midline_mm: float) -> npt.NDArray[np.intp]:
    """Indices from the patient's right-most back tooth over the front to the left-most."""
    behind = centres_lps_mm[:, 1].max() + BEHIND_MM
    angle = np.arctan2(centres_lps_mm[:, 0] - midline_mm, behind - centres_lps_mm[:, 1])
    return np.argsort(angle, kind="stable")


def _log_of_seen(from_midline_mm: Floats, places: Floats) -> Floats:
    """(teeth, states) log-likelihood of what was seen of each tooth."""
    place = -0.5 * ((places[:, None] - _PLACE_OF) / PLACE_DEVIATION) ** 2
    side = -np.logaddexp(0, -_SIDE_OF * from_midline_mm[:, None] / MIDLINE_DEVIATION_MM)
    return np.asarray(np.maximum(place, -12) + side)


def _log_of_steps(centres_lps_mm: Floats, is_upper: bool) -> Floats:
    """(teeth, teeth, states, states) log-likelihood of the way from an earlier tooth to a later one."""
    widths = np.array(WIDTHS_MM[is_upper])
    middles = np.cumsum(widths) - widths / 2
    along = np.concatenate([-middles[::-1], middles])
    expected = along[None, :] - along[:, None]
    chord = _chords(along, is_upper)
    way = np.linalg.norm(centres_lps_mm[:, None, :2] - centres_lps_mm[None, :, :2], axis=-1)
    deviation = STEP_DEVIATION_MM + STEP_DEVIATION_SHARE * chord
    log = -0.5 * ((way[:, :, None, None] - chord) / deviation) ** 2 - np.log(deviation)
    return np.where(expected > 0, np.maximum(log, -12), -np.inf)


def _chords(along: Floats, is_upper: bool) -> Floats:
    """(states, states) straight distances between places of an average arch, a parabola of that length."""
    depth, half_width = (45.0, 25.0) if is_upper else (42.0, 23.0)
    x = np.linspace(-1.3, 1.3, 521) * half_width
    y = depth * (x / half_width) ** 2
    length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    length -= length[len(length) // 2]
    places = np.stack([np.interp(along, length, x), np.interp(along, length, y)], axis=-1)
    return np.asarray(np.linalg.norm(places[:, None] - places[None], axis=-1))


def _decode(seen: Floats, steps: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """The likeliest state of each tooth (or stray), and its marginal probability.

    Strays are skipped: a step leads from any earlier tooth that is none.
    """
    count = len(seen)
    states = _likeliest(seen, steps)
    before, after = _forward(seen, steps), _backward(seen, steps)
    ends = STRAY_LOG * (count - 1 - np.arange(count))[:, None]
    everything = logsumexp(np.append((before + ends).ravel(), STRAY_LOG * count))
    marginal = np.exp(before + after - everything)
    is_tooth = states != _STRAY
    probability = 1 - marginal.sum(axis=1)
    probability[is_tooth] = marginal[np.flatnonzero(is_tooth), states[is_tooth]]
    return states, np.clip(probability, 0, 1)


def _cost_of_step(steps: Floats, earlier: int, later: int) -> Floats:
    """(states, states) log-likelihood of a step that leaves what is between for stray."""
    return np.asarray(STRAY_LOG * (later - earlier - 1) + steps[earlier, later])


def _likeliest(seen: Floats, steps: Floats) -> npt.NDArray[np.int64]:
    """States of the likeliest course (Viterbi)."""
    count = len(seen)
    best = np.empty((count, _STATES))
    came = np.empty((count, _STATES, 2), np.int64)
    for later in range(count):
        ways, sources = [np.full(_STATES, STRAY_LOG * later)], [np.full((_STATES, 2), _STRAY)]
        for earlier in range(later):
            reached = best[earlier][:, None] + _cost_of_step(steps, earlier, later)
            ways.append(reached.max(axis=0))
            sources.append(np.stack([np.full(_STATES, earlier), reached.argmax(axis=0)], axis=-1))
        best[later] = np.max(ways, axis=0) + seen[later]
        came[later] = np.array(sources)[np.argmax(ways, axis=0), np.arange(_STATES)]
    ends = best + STRAY_LOG * (count - 1 - np.arange(count))[:, None]
    states = np.full(count, _STRAY)
    tooth, state = np.unravel_index(int(np.argmax(ends)), ends.shape)
    while tooth >= 0:
        states[tooth] = state
        tooth, state = came[tooth, state]
    return states


def _forward(seen: Floats, steps: Floats) -> Floats:
    """(teeth, states) log-likelihood of all up to a tooth in a state."""
    count = len(seen)
    total = np.empty((count, _STATES))
    for later in range(count):
        ways = [
            logsumexp(total[earlier][:, None] + _cost_of_step(steps, earlier, later), axis=0)
            for earlier in range(later)
        ]
        ways.append(np.full(_STATES, STRAY_LOG * later))
        total[later] = logsumexp(ways, axis=0) + seen[later]
    return total


def _backward(seen: Floats, steps: Floats) -> Floats:
    """(teeth, states) log-likelihood of all that comes behind a tooth in a state."""
    count = len(seen)
    after = np.zeros((count, _STATES))
    for earlier in reversed(range(count)):
        ways = [np.full(_STATES, STRAY_LOG * (count - 1 - earlier))]
        for later in range(earlier + 1, count):
            cost = _cost_of_step(steps, earlier, later)
            ways.append(logsumexp(cost + (seen[later] + after[later])[None], axis=1))
        after[earlier] = logsumexp(ways, axis=0)
    return after
