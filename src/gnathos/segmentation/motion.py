"""Motion during a scan: the head is there twice, the second copy weaker and a little aside.

A copy at a distance leaves a ripple in the spectrum, whatever the scan shows, and a peak at that distance in the
spectrum of the logarithm of the spectrum (the cepstrum, Bogert, Healy and Tukey 1963).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from gnathos.imaging import Volume
from gnathos.imaging.sampling import block_mean

FloatArray = npt.NDArray[np.float32]

SPACING_MM = 0.4
LARGEST_VOXEL_MM = 0.6
"""Larger voxels hide shifts of a millimetre or two."""
LOOKED_AT = (128, 160, 160)
"""Most slices, rows and columns around the middle."""
NEAREST, FURTHEST = 2.5, 8.0
"""Distances of a second copy in voxels: nearer ones look like blur."""
LEAST_STRENGTH = 25.0
_CLIPPED_PERCENT = (5, 99)
_FLOOR_PERCENT = 20
"""What is weaker in the spectrum is noise."""


@dataclass(frozen=True)
class SecondCopy:
    """The most likely second copy of a scan in itself."""

    distance_mm: float
    strength: float
    """Height of its peak over the spread of what is around it."""


def moved(scan: Volume) -> SecondCopy | None:
    """The second copy that motion left in a scan, or None where there is none, or voxels are too large to tell."""
    if float(scan.spacing_mm.max()) > LARGEST_VOXEL_MM:
        return None
    small = block_mean(scan, np.maximum(1, np.floor(SPACING_MM / scan.spacing_mm + 0.2)).astype(int))
    size = np.minimum(small.shape, LOOKED_AT)
    start = (np.array(small.shape) - size) // 2
    if min(size) < 4 * FURTHEST:
        return None
    copy = _strongest(_cepstrum(small.crop(start, start + size).voxels), float(small.spacing_mm.mean()))
    return copy if copy.strength >= LEAST_STRENGTH else None


def _cepstrum(voxels: FloatArray) -> FloatArray:
    values = np.clip(voxels, *np.percentile(voxels, _CLIPPED_PERCENT))
    values -= values.mean()
    for axis, edge in enumerate(values.shape):
        values *= np.hanning(edge).astype(np.float32).reshape([-1 if each == axis else 1 for each in range(3)])
    power = np.abs(fft.rfftn(values)) ** 2
    return np.asarray(fft.irfftn(np.log(power + np.percentile(power, _FLOOR_PERCENT) + 1e-6), s=values.shape))


def _strongest(cepstrum: FloatArray, spacing_mm: float) -> SecondCopy:
    reach = np.arange(-int(FURTHEST) - 2, int(FURTHEST) + 3)
    near = cepstrum[np.ix_(reach, reach, reach)]
    steps = np.stack(np.meshgrid(reach, reach, reach, indexing="ij"), -1)
    far = np.linalg.norm(steps, axis=-1)
    is_oblique = (steps != 0).sum(axis=-1) > 1  # along the axes there are the scanner's own regularities
    chosen = (far >= NEAREST) & (far <= FURTHEST) & is_oblique
    peaks = (near - ndimage.median_filter(near, 5))[chosen]
    spread = 1.4826 * float(np.median(np.abs(peaks - np.median(peaks)))) + 1e-12
    return SecondCopy(float(far[chosen][peaks.argmax()]) * spacing_mm, float(peaks.max()) / spread)
