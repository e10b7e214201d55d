"""Whether gray values are the Hounsfield units that a header claims: CT may add an offset, CBCT has its own units."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

_SAMPLES = 1_000_000
_BINS = 400
_SMOOTHING_BINS = 3.0
_PADDING_SHARE = 0.02
"""Share of voxels that have exactly the least value, from which it counts as filling around the scan."""
_LEAST_PEAK_SHARE = 0.015
"""Height of a peak against the highest, from which it counts."""
_SOFT_RANGE_HU = (-130.0, 150.0)
_AIR_RANGE_HU = (-1060.0, -880.0)


@dataclass(frozen=True)
class _Histogram:
    """What stands out among the values of a scan."""

    peaks: list[tuple[float, float]]
    """Value and height of each peak, ascending by value."""
    least: float
    greatest: float
    """All but two thousandths of the values lie between."""

    def highest(self, low: float, high: float) -> float | None:
        """The value of the highest peak between two values."""
        inside = [(height, value) for value, height in self.peaks if low <= value <= high]
        return max(inside)[1] if inside else None


def looks_like_hu(voxels: npt.NDArray[Any]) -> bool:
    """Whether air and soft tissue lie where Hounsfield units have them.

    Constant filling around the scan is left out; a scan without air beside the tissue must reach from fat to bone.
    """
    histogram = _histogram(_sample(voxels))
    soft_low, soft_high = _SOFT_RANGE_HU
    soft_tissue = histogram.highest(soft_low, soft_high)
    if soft_tissue is None or soft_tissue != histogram.highest(-700, np.inf):
        return False
    below = histogram.highest(-np.inf, soft_low - 100)
    if below is not None:
        return _AIR_RANGE_HU[0] <= below <= _AIR_RANGE_HU[1]
    return -1200 <= histogram.least <= -400 and histogram.greatest >= 500


def _sample(voxels: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Evenly spread values without constant filling."""
    stride = max(1, int(np.ceil((voxels.size / _SAMPLES) ** (1 / 3))))
    values = voxels[::stride, ::stride, ::stride].astype(np.float32).ravel()
    inside = values[values > values.min()]
    is_padded = 1 - len(inside) / len(values) > _PADDING_SHARE
    return inside if is_padded and len(inside) > 0 else values


def _histogram(values: npt.NDArray[np.float32]) -> _Histogram:
    least, greatest = (float(each) for each in np.quantile(values, (0.001, 0.999)))
    if greatest <= least:
        return _Histogram([], least, greatest)
    counts, edges = np.histogram(values, _BINS, (least, greatest))
    heights = gaussian_filter1d(counts.astype(float), _SMOOTHING_BINS, mode="constant")
    found = _peaks(heights, _LEAST_PEAK_SHARE * heights.max())
    middles = (edges[:-1] + edges[1:]) / 2
    return _Histogram([(float(middles[index]), float(heights[index])) for index in found], least, greatest)


def _peaks(heights: npt.NDArray[np.float64], least: float) -> list[int]:
    """Places higher than their surroundings by at least so much; also at the very edge, where clipped air stands.

    `scipy.signal.find_peaks` does the same and takes a third of a second to import, in every child process.
    """
    padded = np.concatenate([[0.0], heights, [0.0]])
    tops = np.flatnonzero((padded[1:-1] > padded[:-2]) & (padded[1:-1] >= padded[2:])) + 1
    return [top - 1 for top in tops.tolist() if padded[top] - _saddle(padded, top) >= least]


def _saddle(heights: npt.NDArray[np.float64], top: int) -> float:
    """The higher of the two lowest points that part a peak from higher ground on either side."""
    higher = np.flatnonzero(heights > heights[top])
    left = higher[higher < top].max(initial=0)
    right = higher[higher > top].min(initial=len(heights) - 1)
    return float(max(heights[left : top + 1].min(), heights[top : right + 1].min()))
