"""A volume: voxels and where they lie in the patient."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Affine = npt.NDArray[np.float64]
"""(4, 4) float64: voxel index (slice, row, column, 1) to LPS millimetres (x, y, z, 1)."""


@dataclass(frozen=True)
class Volume:
    """Voxels `[slice, row, column]` and the affine that takes an index to its place in the patient.

    The frame is LPS (x to the patient's left, y to the back, z to the head), in millimetres; the place is the
    voxel's centre. Index axes may point anywhere: nothing may be read from an index alone.
    """

    voxels: npt.NDArray[Any]
    """(slices, rows, columns)."""
    affine_lps: Affine
    is_hu: bool = False
    """Whether the values are calibrated Hounsfield units."""
    frame_of_reference_uid: str | None = None
    """Frame of Reference UID (0020,0052) of the scan, where it has one."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(slices, rows, columns)."""
        slices, rows, columns = self.voxels.shape
        return slices, rows, columns

    @property
    def spacing_mm(self) -> npt.NDArray[np.float64]:
        """(3,) distance between neighbouring slices, rows and columns."""
        return np.asarray(np.linalg.norm(self.affine_lps[:3, :3], axis=0))

    def points_lps_mm(self, indices: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Places of voxel indices.

        Args:
            indices: (n, 3) slice, row, column; need not be whole.

        Returns:
            (n, 3) LPS millimetres.
        """
        return np.asarray(indices, dtype=float) @ self.affine_lps[:3, :3].T + self.affine_lps[:3, 3]

    def indices_at(self, points_lps_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The inverse of `points_lps_mm`: (n, 3) LPS millimetres to (n, 3) fractional indices."""
        offsets = np.asarray(points_lps_mm, dtype=float) - self.affine_lps[:3, 3]
        return offsets @ np.linalg.inv(self.affine_lps[:3, :3]).T

    @property
    def corners_lps_mm(self) -> npt.NDArray[np.float64]:
        """(2, 3) centres of the first and the last voxel."""
        return self.points_lps_mm(np.array([(0, 0, 0), self.shape]) - [[0], [1]])

    def crop(self, start: npt.ArrayLike, stop: npt.ArrayLike) -> Self:
        """The part from index `start` to before `stop`, in the same place; a view, not a copy."""
        first = np.asarray(start, dtype=int)
        window = tuple(slice(a, b) for a, b in zip(first, np.asarray(stop, dtype=int), strict=True))
        affine = self.affine_lps.copy()
        affine[:3, 3] = self.points_lps_mm(first[None])[0]
        return replace(self, voxels=self.voxels[window], affine_lps=affine)

    def with_voxels(self, voxels: npt.NDArray[Any]) -> Self:
        """Other values at the same places."""
        return replace(self, voxels=voxels)

    def reorient(self, axes: tuple[int, int, int], flips: tuple[bool, bool, bool]) -> Self:
        """Transpose and flip the index axes without moving anything in the patient.

        Args:
            axes: which old axis becomes each new one.
            flips: which *new* axes run backwards afterwards.
        """
        voxels = self.voxels.transpose(axes)
        affine = self.affine_lps.copy()
        affine[:3, :3] = self.affine_lps[:3, list(axes)]
        for axis, flipped in enumerate(flips):
            if flipped:
                affine[:3, 3] += affine[:3, axis] * (voxels.shape[axis] - 1)
                affine[:3, axis] *= -1
                voxels = np.flip(voxels, axis)
        return replace(self, voxels=voxels, affine_lps=affine)

    def to_patient_axes(self) -> Self:
        """Reorient so that slices run to the head, rows to the back, columns to the left as nearly as they can."""
        axes, flips = nearest_patient_axes(self.affine_lps)
        return self.reorient(axes, flips)


def nearest_patient_axes(affine_lps: Affine) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """Which index axes, in which direction, run nearest to the head, the back and the left.

    Returns:
        `axes` and `flips` as `Volume.reorient` takes them.
    """
    directions = affine_lps[:3, :3] / np.linalg.norm(affine_lps[:3, :3], axis=0)
    chosen: dict[int, int] = {}
    for flat in np.argsort(-np.abs(directions), axis=None, kind="stable"):
        patient_axis, index_axis = divmod(int(flat), 3)
        if patient_axis not in chosen and index_axis not in chosen.values():
            chosen[patient_axis] = index_axis
    axes = (chosen[2], chosen[1], chosen[0])
    signs = (directions[2, axes[0]], directions[1, axes[1]], directions[0, axes[2]])
    return axes, (bool(signs[0] < 0), bool(signs[1] < 0), bool(signs[2] < 0))
