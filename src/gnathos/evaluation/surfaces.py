"""Distances between the surfaces of two masks, weighted by area.

The definition is that of google-deepmind/surface-distance, so that figures compare with published ones: a surface
element lies at each corner of the voxel grid whose eight voxels are not all alike; its area is that of the marching
cubes within them; its distance is that to the nearest element of the other surface.
"""

import functools
from dataclasses import dataclass

import edt
import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.measure import marching_cubes

Mask = npt.NDArray[np.bool_]
Spacing = tuple[float, float, float]
"""Millimetres along slices, rows and columns."""

_BITS = np.array([[[128, 64], [32, 16]], [[8, 4], [2, 1]]])
_FULL = 255


@dataclass(frozen=True)
class SurfaceDistances:
    """Of each surface element its distance to the other surface and its area, for both directions."""

    from_reference_mm: npt.NDArray[np.float64]
    reference_areas: npt.NDArray[np.float64]
    from_found_mm: npt.NDArray[np.float64]
    found_areas: npt.NDArray[np.float64]

    @property
    def average_mm(self) -> float:
        """Average symmetric surface distance: over the area of both surfaces together."""
        distances = np.concatenate([self.from_reference_mm, self.from_found_mm])
        return float(np.average(distances, weights=np.concatenate([self.reference_areas, self.found_areas])))

    def hausdorff_mm(self, percent: float = 95.0) -> float:
        """The distance that so many percent of the area do not exceed, in the worse direction."""
        return max(
            _percentile(self.from_reference_mm, self.reference_areas, percent),
            _percentile(self.from_found_mm, self.found_areas, percent),
        )

    def share_within(self, tolerance_mm: float) -> float:
        """Normalised surface distance: the share of both surfaces' area that lies within the tolerance."""
        near = self.reference_areas[self.from_reference_mm <= tolerance_mm].sum()
        near += self.found_areas[self.from_found_mm <= tolerance_mm].sum()
        return float(near / (self.reference_areas.sum() + self.found_areas.sum()))


def measure_surfaces(reference: Mask, found: Mask, spacing_mm: Spacing) -> SurfaceDistances:
    """Compare the surfaces of two masks of one grid.

    Raises:
        ValueError: a mask is empty, or their shapes differ; a structure that is absent has no distance.
    """
    if reference.shape != found.shape:
        raise ValueError(f"the masks differ in shape: {reference.shape} and {found.shape}")
    if not (reference.any() and found.any()):
        raise ValueError("a distance needs two surfaces, and a mask is empty")
    box = _common_box(reference | found)
    (reference_border, reference_areas), (found_border, found_areas) = (
        _elements(np.pad(mask[box], 1), spacing_mm) for mask in (reference, found)
    )
    return SurfaceDistances(
        _distance_to(found_border, spacing_mm)[reference_border],
        reference_areas,
        _distance_to(reference_border, spacing_mm)[found_border],
        found_areas,
    )


def _common_box(mask: Mask) -> tuple[slice, ...]:
    box: tuple[slice, ...] = ndimage.find_objects(mask.astype(np.uint8))[0]
    return box


def _elements(mask: Mask, spacing_mm: Spacing) -> tuple[Mask, npt.NDArray[np.float64]]:
    """Where the mask's surface elements are, and the area of each."""
    code = ndimage.correlate(mask.astype(np.uint8), _BITS, output=np.uint8, mode="constant")
    border = (code != 0) & (code != _FULL)
    return border, _areas(spacing_mm)[code[border]]


def _distance_to(border: Mask, spacing_mm: Spacing) -> npt.NDArray[np.float64]:
    return np.asarray(edt.edt(~border, anisotropy=spacing_mm), float)


@functools.lru_cache
def _areas(spacing_mm: Spacing) -> npt.NDArray[np.float64]:
    """(256,) surface area within a cube of eight voxels, by which of them are inside."""
    areas = np.zeros(256)
    for code in range(1, _FULL):
        cube = (code & _BITS) > 0
        corners, faces, _, _ = marching_cubes(cube.astype(float), 0.5, spacing=spacing_mm)
        sides = corners[faces[:, 1:]] - corners[faces[:, :1]]
        areas[code] = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1).sum() / 2
    return areas


def _percentile(distances: npt.NDArray[np.float64], areas: npt.NDArray[np.float64], percent: float) -> float:
    order = np.argsort(distances, kind="stable")
    reached = np.cumsum(areas[order]) / areas.sum()
    place = min(int(np.searchsorted(reached, percent / 100)), distances.size - 1)
    return float(distances[order[place]])
