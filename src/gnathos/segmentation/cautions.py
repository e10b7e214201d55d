"""What speaks against trusting a scan, seen in the scan itself: metal, noise, motion, what the field of view cuts."""

import numpy as np
import numpy.typing as npt

from gnathos.imaging import Volume
from gnathos.segmentation.bones import LOWER, UPPER
from gnathos.segmentation.confidence import contrast_to_noise
from gnathos.segmentation.motion import moved
from gnathos.segmentation.network import CoarseAnatomy

Mask = npt.NDArray[np.bool_]

METAL_OVER_BONE = 3.1
"""Brighter than this many times the step from soft tissue to bone is no part of a body."""
SATURATED_OVER_BONE = 2.2
"""The scanner's highest value counts as metal from here on, where many voxels have it."""
LEAST_SATURATED = 200
LEAST_METAL_ML = 0.03
LEAST_CONTRAST_TO_NOISE = 5.0
LEAST_CUT_VOXELS = 5
"""At the border of the network's grid, from which something counts as cut."""

_PARTS = {
    "mandible": LOWER,
    "skull": UPPER,
    "upper teeth": ("upper_teeth",),
    "lower teeth": ("lower_teeth",),
    "sinuses": ("sinus",),
    "airway": ("airway",),
}


def metal_mask(scan: Volume, coarse: CoarseAnatomy) -> Mask:
    """Where the network's grid holds metal."""
    levels = coarse.levels
    step = levels.bone - levels.soft
    limit = levels.soft + METAL_OVER_BONE * step
    highest = scan.voxels.max()
    if highest > levels.soft + SATURATED_OVER_BONE * step and (scan.voxels == highest).sum() > LEAST_SATURATED:
        limit = min(limit, levels.soft + 0.8 * (float(highest) - levels.soft))
    return np.asarray(coarse.grid.voxels > limit)


def cautions(scan: Volume, metal: Mask, coarse: CoarseAnatomy) -> tuple[dict[str, str], ...]:
    """Warnings about the scan as a whole: each a `code` and a `detail` sentence."""
    found = []
    metal_ml = float(metal.sum() * np.prod(coarse.grid.spacing_mm)) / 1000
    if metal_ml > LEAST_METAL_ML:
        detail = f"About {metal_ml:.1f} ml are as bright as metal; borders beside it may be wrong."
        found.append({"code": "metal", "detail": detail})
    ratio = contrast_to_noise(coarse)
    if ratio < LEAST_CONTRAST_TO_NOISE:
        detail = f"Bone stands out from soft tissue by {ratio:.1f} times the noise only; borders are uncertain."
        found.append({"code": "low_contrast", "detail": detail})
    copy = moved(scan)
    if copy is not None:
        detail = f"Edges seem to be there twice, {copy.distance_mm:.1f} mm apart: the patient may have moved."
        found.append({"code": "motion", "detail": detail})
    cut = [name for name, classes in _PARTS.items() if _is_cut(coarse.probability(*classes) > 0.5)]
    if cut:
        detail = f"The field of view cuts: {', '.join(cut)}."
        found.append({"code": "field_of_view", "detail": detail})
    return tuple(found)


def _is_cut(mask: Mask) -> bool:
    """Whether more than a few voxels lie at the border of their grid."""
    return any(mask.take(end, axis).sum() >= LEAST_CUT_VOXELS for axis in range(3) for end in (0, -1))
