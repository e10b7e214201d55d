"""Scores of whole structures; what is absent is counted apart and never averaged in."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.measure import euler_number

from gnathos.evaluation.surfaces import Mask, Spacing, measure_surfaces

TOLERANCES_MM = (0.5, 1.0, 2.0)
_NEIGHBOURS = np.ones((3, 3, 3))


@dataclass(frozen=True)
class StructureScore:
    """One structure in one scan. Agreement is None unless both reference and result hold the structure."""

    reference_ml: float
    found_ml: float
    dice: float | None = None
    within: Mapping[float, float] | None = None
    """Normalised surface distance by tolerance in millimetres."""
    average_mm: float | None = None
    hausdorff95_mm: float | None = None
    components: int = 0
    """Connected pieces found."""
    euler: int = 0
    """Euler number of what was found: pieces less tunnels plus cavities; 1 for a solid without holes."""

    @property
    def is_false_positive(self) -> bool:
        """Something was found that is not there."""
        return self.found_ml > 0 and self.reference_ml == 0

    @property
    def is_missed(self) -> bool:
        """Nothing was found of what is there."""
        return self.found_ml == 0 and self.reference_ml > 0

    @property
    def volume_error(self) -> float | None:
        """Volume found too much, as a share of the reference's; negative where too little."""
        return (self.found_ml - self.reference_ml) / self.reference_ml if self.reference_ml else None


def score_masks(reference: Mask, found: Mask, spacing_mm: Spacing) -> StructureScore:
    """Compare one structure's masks on one grid."""
    voxel_ml = float(np.prod(spacing_mm)) / 1000
    sizes = float(reference.sum()) * voxel_ml, float(found.sum()) * voxel_ml
    pieces, euler = _topology(found)
    if not all(sizes):
        return StructureScore(*sizes, components=pieces, euler=euler)
    surfaces = measure_surfaces(reference, found, spacing_mm)
    return StructureScore(
        *sizes,
        dice=dice(reference, found),
        within={tolerance: surfaces.share_within(tolerance) for tolerance in TOLERANCES_MM},
        average_mm=surfaces.average_mm,
        hausdorff95_mm=surfaces.hausdorff_mm(),
        components=pieces,
        euler=euler,
    )


def score_labels(
    reference: npt.NDArray[np.integer],
    found: npt.NDArray[np.integer],
    names: Mapping[int, str],
    spacing_mm: Spacing,
) -> dict[str, StructureScore]:
    """Compare two label maps of one grid, structure by structure.

    Args:
        names: label value to the structure's name; other values are left out.
    """
    return {name: score_masks(reference == label, found == label, spacing_mm) for label, name in names.items()}


def dice(reference: Mask, found: Mask) -> float:
    """Twice the common part over the sum.

    Raises:
        ValueError: both are empty, which is agreement about nothing and no score.
    """
    total = int(reference.sum()) + int(found.sum())
    if not total:
        raise ValueError("two empty masks have no Dice")
    return float(2 * np.logical_and(reference, found).sum() / total)


def _topology(found: Mask) -> tuple[int, int]:
    if not found.any():
        return 0, 0
    small = np.pad(found[ndimage.find_objects(found.astype(np.uint8))[0]], 1)
    return int(ndimage.label(small, _NEIGHBOURS)[1]), int(euler_number(small, connectivity=3))
