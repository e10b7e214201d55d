"""Where slices lie, and whether they make one volume."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnathos.errors import GeometryError, SeriesHasDuplicates, SeriesHasGaps, TooFewSlices
from gnathos.imaging import Affine

Vector = npt.NDArray[np.float64]

DIRECTION_TOLERANCE = 1e-3
"""How far a direction cosine may be from unit length, a right angle or its neighbour's and still be read."""

DUPLICATE_TOLERANCE = 0.01
"""Slices nearer than this part of the usual gap lie at the same place."""

EVENNESS_TOLERANCE = 0.25
"""How far a slice may be from its even place, in gaps: positions are often rounded."""

HOLE_TOLERANCE = 0.1
"""How much wider than the slices are thick a gap may be before tissue is missing between them."""

MULTIPLE_TOLERANCE = 0.1
"""How near, in gaps, a wide gap must be to a whole number of usual ones to mean that slices were left out."""

MAX_UNEVEN_GAP_MM = 10.0
"""The widest gap that uneven slices may have and still be interpolated."""

DRIFT_TOLERANCE = 0.5
"""How far, in pixels, the stack may slide sideways from first to last slice before it counts as tilted."""

MIN_SLICES = 3


@dataclass(frozen=True)
class Plane:
    """Where one slice lies."""

    position_lps_mm: Vector
    """(3,) centre of the first voxel: Image Position (Patient)."""
    row_direction: Vector
    """(3,) along a row, towards higher columns."""
    column_direction: Vector
    """(3,) down a column, towards higher rows."""
    spacing_mm: tuple[float, float]
    """Between rows, between columns: Pixel Spacing."""
    thickness_mm: float | None
    """Slice Thickness, where told."""

    @property
    def normal(self) -> Vector:
        """(3,) unit vector, row direction × column direction."""
        return np.cross(self.row_direction, self.column_direction)


@dataclass(frozen=True)
class Stack:
    """Slices in the order of their places along the normal."""

    order: npt.NDArray[np.intp]
    """(n,) which plane becomes slice 0, 1, …"""
    distances_mm: Vector
    """(n,) of the slices along the normal from the first, ascending."""
    drifts_px: npt.NDArray[np.float64]
    """(n, 2) how far each slice is shifted sideways against the first, in rows and columns."""
    first: Plane
    spacing_mm: float
    """Between even slices; of the even grid to interpolate, where they are not."""
    is_even: bool
    is_tilted: bool

    @property
    def affine_lps(self) -> Affine:
        """(4, 4) of the slices, where they are even and not tilted."""
        return affine_from_dicom(self.first, self.spacing_mm)


def affine_from_dicom(first: Plane, slice_spacing_mm: float) -> Affine:
    """Build the affine that takes a voxel index (slice, row, column) to its place in the patient.

    Args:
        first: the plane of slice 0.
        slice_spacing_mm: to the next slice, along the normal.

    Source: DICOM PS3.3 C.7.6.2.1.1, equation C.7.6.2.1-1; its columns are in our order.
    """
    row_spacing_mm, column_spacing_mm = first.spacing_mm
    affine = np.eye(4)
    affine[:3, 0] = first.normal * slice_spacing_mm
    affine[:3, 1] = first.column_direction * row_spacing_mm
    affine[:3, 2] = first.row_direction * column_spacing_mm
    affine[:3, 3] = first.position_lps_mm
    return affine


def plane_from_dicom(
    position: npt.ArrayLike, orientation: npt.ArrayLike, spacing: npt.ArrayLike, thickness: float | None
) -> Plane:
    """Check and take over what the attributes say.

    Args:
        position: (3,) Image Position (Patient).
        orientation: (6,) Image Orientation (Patient).
        spacing: (2,) Pixel Spacing.
        thickness: Slice Thickness.

    Raises:
        GeometryError: a number is missing, not finite or not positive, or the directions are not orthonormal.
    """
    place, cosines, pixels = (np.asarray(each, dtype=float).ravel() for each in (position, orientation, spacing))
    if (place.size, cosines.size, pixels.size) != (3, 6, 2):
        raise GeometryError("A slice does not say its position, orientation and pixel spacing in full.")
    if not all(np.isfinite(each).all() for each in (place, cosines, pixels)) or np.abs(place).max() > 1e6:
        raise GeometryError("A slice's position, orientation or pixel spacing is not a usable number.")
    if pixels.min() <= 0:
        raise GeometryError(f"The pixel spacing is {pixels.tolist()}; it has to be above zero.")
    directions = cosines.reshape(2, 3)
    if not np.allclose(directions @ directions.T, np.eye(2), atol=DIRECTION_TOLERANCE):
        raise GeometryError("The row and column directions are not unit vectors at right angles.")
    row = directions[0] / np.linalg.norm(directions[0])
    column = directions[1] - row * (row @ directions[1])
    usable = float(thickness) if thickness is not None and np.isfinite(thickness) and thickness > 0 else None
    return Plane(place, row, column / np.linalg.norm(column), (float(pixels[0]), float(pixels[1])), usable)


def stack_planes(planes: list[Plane]) -> Stack:
    """Order slices along their normal and check that they make one volume.

    Raises:
        TooFewSlices: fewer than `MIN_SLICES`.
        GeometryError: orientations or pixel spacings differ, or the gaps are too uneven.
        SeriesHasDuplicates: two slices at one place.
        SeriesHasGaps: slices were left out.
    """
    if len(planes) < MIN_SLICES:
        raise TooFewSlices(f"The scan has {len(planes)} slice{'s' * (len(planes) > 1)}; a volume needs more.")
    _check_same_grid(planes)
    axis = planes[0].normal
    positions = np.array([plane.position_lps_mm for plane in planes])
    along = positions @ axis
    order = np.argsort(along, kind="stable")
    distances_mm = along[order] - along[order[0]]
    first = planes[order[0]]
    thicknesses = [planes[index].thickness_mm for index in order]
    spacing_mm, is_even = _even_spacing(distances_mm, thicknesses)
    offsets = positions[order] - first.position_lps_mm
    sideways = offsets @ np.column_stack([first.column_direction, first.row_direction])
    drifts_px = sideways / np.array(first.spacing_mm)
    is_tilted = bool(np.ptp(drifts_px, axis=0).max() > DRIFT_TOLERANCE)
    return Stack(order, distances_mm, drifts_px, first, spacing_mm, is_even, is_tilted)


def _check_same_grid(planes: list[Plane]) -> None:
    first = planes[0]
    for plane in planes[1:]:
        turned = max(
            np.abs(plane.row_direction - first.row_direction).max(),
            np.abs(plane.column_direction - first.column_direction).max(),
        )
        if turned > DIRECTION_TOLERANCE:
            raise GeometryError("The slices do not all have the same orientation.")
        if not np.allclose(plane.spacing_mm, first.spacing_mm, rtol=DIRECTION_TOLERANCE):
            raise GeometryError("The slices do not all have the same pixel spacing.")


def _even_spacing(distances_mm: Vector, thicknesses_mm: list[float | None]) -> tuple[float, bool]:
    """The gap of even slices, or of the even grid that uneven ones are to be interpolated onto."""
    gaps = np.diff(distances_mm)
    usual = float(np.median(gaps))
    if gaps.min() <= DUPLICATE_TOLERANCE * usual or usual <= 0:
        doubled = int((gaps <= DUPLICATE_TOLERANCE * usual).sum())
        raise SeriesHasDuplicates(f"{doubled} of {len(distances_mm)} slices lie where another one lies.")
    mean = float(distances_mm[-1] / len(gaps))
    even_places = np.arange(len(distances_mm)) * mean
    if np.abs(distances_mm - even_places).max() <= EVENNESS_TOLERANCE * mean:
        slope, _ = np.polyfit(np.arange(len(distances_mm)), distances_mm, 1)
        return float(slope), True
    _check_uneven(gaps, usual, thicknesses_mm)
    return float(np.quantile(gaps, 0.25)), False


def _check_uneven(gaps: Vector, usual: float, thicknesses_mm: list[float | None]) -> None:
    multiples = gaps / usual
    wide = multiples > 1.5
    whole = np.abs(multiples - np.round(multiples)) < MULTIPLE_TOLERANCE
    if wide.any() and whole.all():
        missing = int(np.round(multiples[wide] - 1).sum())
        raise SeriesHasGaps(f"{missing} slice{'s are' if missing > 1 else ' is'} missing from the series.")
    if None in thicknesses_mm:
        raise SeriesHasGaps("The slices are unevenly spaced, and nothing says how thick they are.")
    thick = np.array(thicknesses_mm, dtype=float)
    reach = np.maximum(thick[:-1], thick[1:]) * (1 + HOLE_TOLERANCE)
    if (gaps > reach).any():
        raise SeriesHasGaps(f"The series has a gap of {float(gaps[gaps > reach].max()):.1f} mm between two slices.")
    if gaps.max() > MAX_UNEVEN_GAP_MM:
        raise GeometryError(f"The slices are unevenly spaced, up to {gaps.max():.1f} mm apart.")


def straighten(voxels: npt.NDArray[np.float32], stack: Stack, fill: float) -> tuple[npt.NDArray[np.float32], Affine]:
    """Interpolate tilted or uneven slices onto an even grid at right angles, the slices' own planes kept.

    Each value of the new grid comes from the two slices around its place, each read where that place lies in it
    (linear in all three directions). Places outside of every slice get `fill`.

    Args:
        voxels: (slices, rows, columns) in the stack's order.
        stack: of those slices.
        fill: the value of air in the scan.

    Returns:
        the new (slices, rows, columns) and its affine.
    """
    low = np.floor(stack.drifts_px.min(axis=0)).astype(int)
    high = np.ceil(stack.drifts_px.max(axis=0)).astype(int)
    count = int(np.floor(stack.distances_mm[-1] / stack.spacing_mm + 1e-6)) + 1
    shape = (count, *(np.array(voxels.shape[1:]) + high - low))
    grid = np.full(shape, fill, np.float32)
    for index in range(count):
        _fill_slice(grid[index], voxels, stack, (index * stack.spacing_mm, low, fill))
    affine = stack.affine_lps
    affine[:3, 3] += affine[:3, 1:3] @ low
    return grid, affine


def _fill_slice(
    target: npt.NDArray[np.float32],
    voxels: npt.NDArray[np.float32],
    stack: Stack,
    place: tuple[float, npt.NDArray[np.intp], float],
) -> None:
    distance_mm, low, fill = place
    upper = min(int(np.searchsorted(stack.distances_mm, distance_mm + 1e-9, side="right")), len(voxels) - 1)
    lower = upper - 1
    gap = stack.distances_mm[upper] - stack.distances_mm[lower]
    weight = np.float32(np.clip((distance_mm - stack.distances_mm[lower]) / gap, 0, 1))
    if weight < 1:
        target[:] = shift_in_plane(voxels[lower], target.shape, stack.drifts_px[lower] - low, fill)
    if weight > 0:
        above = shift_in_plane(voxels[upper], target.shape, stack.drifts_px[upper] - low, fill)
        target[:] = above if weight >= 1 else target + weight * (above - target)


def shift_in_plane(
    plane: npt.NDArray[np.float32], shape: tuple[int, ...], shift_px: Vector, fill: float
) -> npt.NDArray[np.float32]:
    """Put a slice onto a larger one, its pixel (0, 0) at `shift_px` (rows, columns; not negative), linearly."""
    whole = np.floor(shift_px).astype(int)
    part = (shift_px - whole).astype(np.float32)
    padded = np.full((plane.shape[0] + 2, plane.shape[1] + 2), fill, np.float32)
    padded[1:-1, 1:-1] = plane
    rows = padded[1:] * (1 - part[0]) + padded[:-1] * part[0]
    both = rows[:, 1:] * (1 - part[1]) + rows[:, :-1] * part[1]
    target = np.full(shape, fill, np.float32)
    room = (min(both.shape[0], shape[0] - whole[0]), min(both.shape[1], shape[1] - whole[1]))
    target[whole[0] : whole[0] + room[0], whole[1] : whole[1] + room[1]] = both[: room[0], : room[1]]
    return target
