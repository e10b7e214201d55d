"""Where a root ends in bone: the network's probability, weighed with the scan's own gray values.

Dentine and bone are nearly the same to X-rays, but not quite: around each place, what the network is sure is tooth and
what it is sure is bone have gray values of their own, and a voxel is more like the one or the other.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from gnathos.imaging import Volume
from gnathos.imaging.sampling import interpolate
from gnathos.segmentation.network import CoarseAnatomy
from gnathos.segmentation.normalise import Levels, as_hu

FloatArray = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

SURE = 0.8
REACH_MM = 1.5
"""Standard deviation of the window whose gray values count."""
LEAST_SHARE = 2e-3
"""Of the window that must be sure tooth, and of that which must be sure bone, for them to be compared."""
LEAST_VARIANCE = 100.0
WEIGHT = 0.5
"""Of the gray values' log-odds: neighbouring voxels err alike, and the network has seen the same scan."""
MOST_LOG_ODDS = 6.0
BRIGHTEST_HU = 2500.0
"""Enamel and metal count as this bright."""
LEAST_PROBABILITY = 0.02


@dataclass(frozen=True)
class RootContrast:
    """How teeth differ from the bone around them, by place."""

    slope: Volume
    """Log-odds of being tooth, not bone, that a voxel gains with each unit above the level; 0 where that is unknown."""
    level: Volume
    """Half-way between tooth and bone, nearly Hounsfield units."""

    def weigh(self, probability: FloatArray, scan: Volume) -> FloatArray:
        """The probability of tooth, told anew from the network's and the scan's.

        Args:
            probability: (slices, rows, columns) the network's.
            scan: of that shape, nearly Hounsfield units.

        Returns:
            (slices, rows, columns) by Bayes' rule for two normal distributions of the same variance.
        """
        from_gray = np.minimum(scan.voxels, BRIGHTEST_HU) - interpolate(self.level, scan)
        from_gray *= interpolate(self.slope, scan)
        np.clip(from_gray, -MOST_LOG_ODDS, MOST_LOG_ODDS, out=from_gray)
        share = np.clip(probability, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        odds = share / (1 - share) * np.exp(WEIGHT * from_gray)
        return np.asarray(odds / (1 + odds), np.float32)


def contrast_of_roots(seen: CoarseAnatomy, levels: Levels) -> RootContrast:
    """Compare teeth with the bone near to them, as the network tells them apart.

    Args:
        seen: the fine network's answer.
        levels: the whole scan's own.
    """
    gray = np.minimum(as_hu(seen.grid, levels).voxels, BRIGHTEST_HU)
    width = REACH_MM / seen.grid.spacing_mm
    tooth, bone = seen.probability("upper_teeth", "lower_teeth"), seen.probability("skull", "mandible")
    of_tooth, of_bone = (_around(gray, sure, width) for sure in (tooth > SURE, bone > SURE))
    contrast = of_tooth.mean - of_bone.mean
    known = (np.minimum(of_tooth.share, of_bone.share) > LEAST_SHARE) & (contrast > 0)
    slope = np.where(known, 2 * contrast / (of_tooth.variance + of_bone.variance), np.float32(0))
    level = (of_tooth.mean + of_bone.mean) / 2
    return RootContrast(seen.grid.with_voxels(slope), seen.grid.with_voxels(level))


@dataclass(frozen=True)
class _Grays:
    """Of one tissue around each place."""

    share: FloatArray
    """Of the window that is this tissue."""
    mean: FloatArray
    variance: FloatArray


def _around(gray: FloatArray, where: Mask, width: npt.NDArray[np.float64]) -> _Grays:
    weight = where.astype(np.float32)
    share, total, squares = (
        ndimage.gaussian_filter(each, width, truncate=3) for each in (weight, weight * gray, weight * gray * gray)
    )
    whole = np.maximum(share, np.float32(1e-6))
    mean = total / whole
    return _Grays(share, mean, np.maximum(squares / whole - mean * mean, np.float32(LEAST_VARIANCE)))
