"""Gray values of any scale to the range that the network knows; the same code in training and at work.

Scanners agree on the order of air, soft tissue and bone and on nothing else. The three levels are looked for in the
histogram and put where Hounsfield units, in units of 2000, would have them: air at -0.5, soft tissue at 0.02, bone
at 0.5.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from gnathos.imaging import Volume

Grays = npt.NDArray[np.integer | np.floating]
Values = npt.NDArray[np.float32]

AIR, SOFT, BONE, CEILING = -0.5, 0.02, 0.5, 1.5
"""Where the levels come to lie, and where what is brighter ends; padding goes where air does."""

HU_PER_UNIT = 2000.0
"""What one unit of the normalised scale is in a calibrated scan."""

_BINS = 256
_DARKEST = 2.2
"""Air is at most so many times further from soft tissue than bone is."""
_BELOW_AIR = 0.5
"""Room below air for noise, and for soft tissue where bone was mistaken for it."""
_LEAST_SHARE = 0.15
"""Soft tissue is a peak of the histogram with at least this share of the voxels."""
_AIR_BELOW_SOFT = 1.1
"""Distance from soft tissue to air, in distances from soft tissue to bone, where scanners are calibrated."""


@dataclass(frozen=True)
class Levels:
    """Gray values of air, soft tissue and bone in one scan, and the lowest that was measured."""

    air: float
    soft: float
    bone: float
    lowest: float

    def normalise(self, values: Grays) -> Values:
        """Values for the network, same shape, from below `AIR` to `CEILING`."""
        above, below = (BONE - SOFT) / (self.bone - self.soft), (SOFT - AIR) / (self.soft - self.air)
        lowest = np.clip(self.lowest, self.air - _BELOW_AIR / below, self.air - 1e-3 / below)
        known = (lowest, self.air, self.soft, self.bone, self.bone + (CEILING - BONE) / above)
        places = (AIR - (self.air - lowest) * below, AIR, SOFT, BONE, CEILING)
        return np.asarray(np.interp(values, known, places), np.float32)


def normalise(values: Grays) -> Values:
    """Values for the network, same shape; the levels are taken from all of `values`: give the whole coarse scan."""
    return find_levels(values).normalise(values)


def as_hu(scan: Volume, levels: Levels) -> Volume:
    """The same scan on nearly the Hounsfield scale, whatever the scanner's own; float32, cut off at 3000."""
    kind = scan.voxels.dtype
    if kind.kind in "iu" and kind.itemsize == 2 and kind.isnative:  # a table of all values is quicker than the sum
        bits = np.dtype(np.uint16)
        table = levels.normalise(np.arange(2**16, dtype=bits).view(kind)) * np.float32(HU_PER_UNIT)
        return scan.with_voxels(table[scan.voxels.view(bits)])
    voxels = levels.normalise(scan.voxels)
    voxels *= HU_PER_UNIT
    return scan.with_voxels(voxels)


def find_levels(values: Grays) -> Levels:
    """The levels of air, soft tissue and bone.

    Works without air around the head, with padding, metal, and any monotone scale. A scan of one value gets levels
    one apart.
    """
    flat = np.asarray(values, dtype=np.float32).ravel()
    seen, padding = _without_padding(flat[np.isfinite(flat)])
    if seen.size < 2 or np.ptp(seen) == 0:
        only = float(seen[0]) if seen.size else 0.0
        return Levels(only, only + 1, only + 2, only)
    low, high = (float(level) for level in np.percentile(seen, (0.2, 99.7)))
    peaks = _peaks(seen, low, high)
    soft, bone = _soft_and_bone(seen, peaks, high)
    darker = [level for level in peaks if level < soft]
    return Levels(_air_level([*([] if padding is None else [padding]), *darker], soft, bone), soft, bone, low)


def _without_padding(values: Values) -> tuple[Values, float | None]:
    """Leave out the lowest value where many voxels have exactly it: what was never measured, or air cut off."""
    if not values.size:
        return values, None
    lowest = float(values.min())
    kept = values[values > lowest]
    if kept.size > 0.97 * values.size or kept.size < 0.02 * values.size:
        return values, None
    return kept, lowest


def _peaks(values: Values, low: float, high: float) -> dict[float, float]:
    """Levels where the histogram peaks, lowest first, each with its share of the voxels; at least one."""
    counts, edges = np.histogram(values, bins=_BINS, range=(low, max(high, low + 1e-6)))
    smooth = gaussian_filter1d(counts.astype(float), 4, mode="constant")
    rising = np.diff(smooth, prepend=0) > 0
    falling = np.diff(smooth, append=0) <= 0
    places = np.flatnonzero(rising & falling)
    valleys = [a + int(smooth[a:b].argmin()) for a, b in itertools.pairwise(places.tolist())]
    shares = np.add.reduceat(counts, [0, *valleys]) / counts.sum()
    levels = (edges[places] + edges[places + 1]) / 2
    return dict(zip(levels.tolist(), shares.tolist(), strict=True))


def _soft_and_bone(values: Values, peaks: dict[float, float], high: float) -> tuple[float, float]:
    """The brightest peak that many voxels belong to, and what is brighter; unless the rest is too dark for air."""
    wide = [level for level, share in peaks.items() if share >= _LEAST_SHARE]
    wide = wide or [max(peaks, key=lambda level: peaks[level])]
    for soft in reversed(wide):
        bone = _bone_level(values, soft, high)
        if soft - wide[0] < _DARKEST * (bone - soft):
            break
    return soft, bone


def _bone_level(values: Values, soft: float, high: float) -> float:
    """Mean of the brighter class of what is brighter than soft tissue (Otsu), metal cut off at `high`."""
    brighter = np.minimum(values[values > soft], high)
    if brighter.size < 2 or np.ptp(brighter) == 0:
        return soft + max(abs(high - soft), 1.0)
    counts, edges = np.histogram(brighter, bins=_BINS)
    centres = (edges[:-1] + edges[1:]) / 2
    below, sums = np.cumsum(counts), np.cumsum(counts * centres)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = sums / below - (sums[-1] - sums) / above
        split = int(np.nanargmax(np.where((below > 0) & (above > 0), below * above * gap**2, np.nan)))
    return float(np.average(centres[split + 1 :], weights=counts[split + 1 :]))


def _air_level(candidates: list[float], soft: float, bone: float) -> float:
    """The candidate nearest to where air should be, if any is near; else where air should be."""
    expected, reach = soft - _AIR_BELOW_SOFT * (bone - soft), 0.6 * (bone - soft)
    nearest = min(candidates, key=lambda level: abs(level - expected), default=expected)
    return nearest if abs(nearest - expected) < reach else expected
