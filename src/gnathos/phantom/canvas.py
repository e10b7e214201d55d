"""Painting solids onto a part of a voxel grid, with soft edges."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnathos.phantom.shapes import Field, Points, Solid, as_field

BLUR_MM = 0.25
"""How much wider than a voxel an edge is, as by a scanner's own blur."""

COARSE_MM = 1.0
"""How far apart distances from large solids are computed."""

CORTICAL_HU = 1450.0
CANCELLOUS_HU = 400.0
_TRABECULAE_HU = 170.0


@dataclass(frozen=True)
class Window:
    """A box of the grid; all arrays are views of it, (slices, rows, columns)."""

    hu: Field
    labels: npt.NDArray[np.uint8]
    texture: Field
    """Random, about -1 to 1, smooth over about a millimetre."""
    origin_mm: tuple[float, float, float]
    """x, y, z of its first voxel in the scan."""
    spacing_mm: float
    to_frame: Callable[[Points], Points]
    """From places in the scan to those in the frame of what is painted."""
    edge_mm: float
    """Over how much an edge fades."""

    @property
    def points(self) -> Points:
        """Places of the voxels in the frame of what is painted."""
        return self._points(1)

    def _points(self, stride: int) -> Points:
        """Places of every `stride`th voxel, the last one at or beyond the end."""
        z, y, x = (
            as_field(start + np.arange(-(-(count - 1) // stride) + 1) * (stride * self.spacing_mm))
            for start, count in zip(self.origin_mm[::-1], self.hu.shape, strict=True)
        )
        return self.to_frame(Points(x[None, None, :], y[None, :, None], z[:, None, None]))

    def distance(self, solid: Solid) -> Field:
        """Distances from a solid whose bends are wider than `COARSE_MM`: computed that far apart, linear between."""
        stride = max(1, int(COARSE_MM / self.spacing_mm))
        distances = np.asarray(solid(self._points(stride)))
        for axis, count in enumerate(self.hu.shape):
            distances = _refine(distances, axis, stride, count)
        return distances

    def fill(self, distance: Field, hu: Any, label: int | None = None) -> None:
        """Paint a solid over what is there.

        Args:
            distance: from the solid, negative inside.
            hu: its value or values.
            label: given to voxels whose middle is inside; None leaves the labels alone.
        """
        if distance.min() > self.edge_mm:
            return
        cover = np.clip(0.5 - distance / np.float32(self.edge_mm), 0, 1)
        self.hu[:] += cover * (as_field(hu) - self.hu)
        if label is not None:
            self.labels[np.broadcast_to(distance < 0, self.labels.shape)] = label

    def bone(self, distance: Field, label: int | None, cortex_mm: float = 2.0) -> None:
        """Paint bone: dense outside, cancellous within."""
        depth = np.clip((-distance - cortex_mm) / 0.7 + 0.5, 0, 1)
        inner = CANCELLOUS_HU + _TRABECULAE_HU * self.texture
        self.fill(distance, CORTICAL_HU + depth * (inner - CORTICAL_HU), label)

    def airy(self, distance: Field, label: int | None) -> None:
        """Paint thin walls around small cells of air."""
        self.fill(distance, np.where(self.texture > 0.35, 900.0, -750.0 + 300 * np.abs(self.texture)), label)


def _refine(coarse: Field, axis: int, stride: int, count: int) -> Field:
    """`count` values along an axis between values that are `stride` apart, linearly."""
    if coarse.shape[axis] == 1 or stride == 1:
        return coarse
    moved = np.moveaxis(coarse, axis, 0)
    fine = np.empty(((len(moved) - 1) * stride + 1, *moved.shape[1:]), np.float32)
    fine[-1] = moved[-1]
    for step in range(stride):
        share = step / stride
        fine[step:-1:stride] = moved[:-1] * (1 - share) + moved[1:] * share
    return np.moveaxis(fine[:count], 0, axis)


@dataclass(frozen=True)
class Part:
    """Something to paint, and the box that holds it."""

    low_mm: npt.NDArray[np.float64]
    high_mm: npt.NDArray[np.float64]
    """(3,) x, y, z, in the frame of the head; infinite where it has no end."""
    paint: Callable[[Window], None]
    is_of_jaw: bool = False
    """Whether it moves with the mandible; its paint then gets places of the closed jaw."""
