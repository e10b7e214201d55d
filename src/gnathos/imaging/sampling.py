"""Volumes on other grids: coarser ones for the network, finer ones for its answer."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from gnathos.imaging.volume import Volume

FloatArray = npt.NDArray[np.float32]

_ON_VOXEL = 1e-6
"""Places this near to a voxel, in voxels, take its value alone."""
TOUCH = 1e-3
"""Places this near to a voxel, in voxels or mm, lie on it."""


def resample(volume: Volume, spacing_mm: float) -> Volume:
    """Resample to cubic voxels along the same index axes, averaging where that makes voxels larger.

    Args:
        volume: any scan.
        spacing_mm: edge of the new voxels.

    Returns:
        A float32 volume over the same extent; its last voxels may reach past it by less than their own size.
    """
    factors = np.maximum(1, np.floor(spacing_mm / volume.spacing_mm + 1e-6)).astype(int)
    averaged = block_mean(volume, factors)
    extent_mm = averaged.spacing_mm * averaged.shape
    shape = np.maximum(1, np.round(extent_mm / spacing_mm)).astype(int)
    step = spacing_mm / averaged.spacing_mm
    # the grids share their outer faces, not the centres of their first voxels
    first = (step - 1) / 2
    affine = averaged.affine_lps.copy()
    affine[:3, :3] *= step
    affine[:3, 3] = averaged.points_lps_mm(first[None])[0]
    target = Volume(np.empty(shape, np.bool_), affine)
    return target.with_voxels(interpolate(averaged, target))


def block_mean(volume: Volume, factors: npt.ArrayLike) -> Volume:
    """Average blocks of voxels; rows that do not fill a block are left out.

    Args:
        volume: any scan.
        factors: (3,) voxels per block along each index axis.
    """
    size = np.minimum(np.asarray(factors, dtype=int), volume.shape)
    count = np.array(volume.shape) // size
    affine = volume.affine_lps.copy()
    affine[:3, :3] *= size
    affine[:3, 3] = volume.points_lps_mm((size[None] - 1) / 2)[0]
    means = np.empty(count, np.float32)
    rows, columns = (count * size)[1:]
    for index in range(count[0]):  # a slab at a time: the scan is never copied whole
        slab = volume.voxels[index * size[0] : (index + 1) * size[0], :rows, :columns]
        lines = slab.sum(axis=0, dtype=np.float32) if size[0] > 1 else slab[0].astype(np.float32)
        means[index] = _block_sums(lines, size[1:]) / size.prod()
    return Volume(means, affine, volume.is_hu, volume.frame_of_reference_uid)


def _block_sums(lines: FloatArray, size: npt.NDArray[np.int64]) -> FloatArray:
    """Sums over blocks of a slice, which numpy's own sum over such short axes takes four times as long for.

    Args:
        lines: (rows, columns), in whole blocks.
        size: (2,) rows and columns of a block.
    """
    sums = np.zeros(np.array(lines.shape) // size, np.float32)
    for row in range(size[0]):
        in_row = lines[row :: size[0], :: size[1]]
        for column in range(1, size[1]):
            in_row = in_row + lines[row :: size[0], column :: size[1]]
        sums += in_row
    return sums


def refine_grid(volume: Volume, finest_mm: float) -> Volume:
    """Interpolate with cubic splines along the index axes whose voxels are larger than needed.

    Args:
        volume: float values.
        finest_mm: axes with voxels larger than about this are divided evenly.

    Returns:
        A float32 volume; the given voxels are among its own.
    """
    factors = _division(volume, finest_mm)
    if (factors == 1).all():
        return volume
    finer = finer_lattice(volume, finest_mm)
    values = ndimage.zoom(volume.voxels, np.array(finer.shape) / volume.shape, order=3, mode="nearest")
    return finer.with_voxels(values.astype(np.float32, copy=False))


def finer_lattice(volume: Volume, finest_mm: float) -> Volume:
    """The lattice that `refine_grid` interpolates onto, its voxels all zero."""
    factors = _division(volume, finest_mm)
    affine = volume.affine_lps.copy()
    affine[:3, :3] /= factors
    shape = (np.array(volume.shape) - 1) * factors + 1
    return replace(volume, voxels=np.zeros(shape, np.float32), affine_lps=affine)


def _division(volume: Volume, finest_mm: float) -> npt.NDArray[np.int64]:
    return np.maximum(np.ceil(volume.spacing_mm / finest_mm - 0.2), 1).astype(np.int64)


def interpolate(source: Volume, target: Volume) -> FloatArray:
    """Trilinear values of `source` at the voxels of `target`, whose index axes run along the source's.

    Args:
        source: values; beyond its border the nearest count.
        target: only its shape and affine are read.

    Returns:
        float32, the target's shape.
    """
    corners = source.indices_at(target.corners_lps_mm)
    places = [np.linspace(corners[0, axis], corners[1, axis], target.shape[axis]) for axis in range(3)]
    axes = (0, 1, 2) if target.voxels.size < source.voxels.size else (2, 1, 0)  # whole planes last: they copy quickly
    values = source.voxels
    for axis in axes:
        values = _interpolate_axis(values, places[axis], axis)
    return np.asarray(values, np.float32)


def _interpolate_axis(values: npt.NDArray[Any], places: npt.NDArray[np.float64], axis: int) -> FloatArray:
    last = values.shape[axis] - 1
    clipped = np.clip(places, 0, last)
    whole = np.round(clipped).astype(int)
    if np.abs(clipped - whole).max(initial=0.0) < _ON_VOXEL:
        return np.take(values, whole, axis)
    lower = np.minimum(clipped.astype(int), max(last - 1, 0))
    upper = np.minimum(lower + 1, last)
    weights = (clipped - lower).astype(np.float32).reshape([-1 if each == axis else 1 for each in range(3)])
    result = np.take(values, upper, axis).astype(np.float32, copy=False)
    below = np.take(values, lower, axis)
    result -= below
    result *= weights
    result += below
    return np.asarray(result)


SLAB = 8
MOST_SLABS = 4
"""Changed at a time: each takes some tens of megabytes, and the memory's speed is shared by then."""


def slabs(volume: Volume) -> Iterator[Volume]:
    """Views of a few slices each: what is done to one in several steps stays in the processor's cache."""
    for start in range(0, volume.shape[0], SLAB):
        yield volume.crop((start, 0, 0), (min(start + SLAB, volume.shape[0]), *volume.shape[1:]))


def on_slabs(volume: Volume, change: Callable[[Volume], None], threads: int = 0) -> None:
    """Change a volume in place, some slabs at a time.

    Args:
        volume: any.
        change: what is done to each of the slabs, which know nothing of one another.
        threads: to compute with; 0: as many as there are cores.
    """
    with ThreadPoolExecutor(min(threads or os.cpu_count() or 1, MOST_SLABS)) as pool:
        for _ in pool.map(change, slabs(volume)):
            pass


def mask_on_grid(field: Volume, grid: Volume) -> tuple[tuple[slice, slice, slice], npt.NDArray[np.bool_]]:
    """Which voxels of a grid lie inside a field.

    Args:
        field: above zero inside; its lattice's axes run along the grid's, in any order and direction.
        grid: only its shape and affine are read.

    Returns:
        The part of the grid that the field covers, and there (slices, rows, columns) whether it is above zero.
    """
    aligned = align_axes(field, grid)
    corners = grid.indices_at(aligned.corners_lps_mm)
    low = np.clip(np.ceil(corners[0] - TOUCH), 0, grid.shape).astype(int)
    high = np.clip(np.floor(corners[1] + TOUCH) + 1, low, grid.shape).astype(int)
    part = grid.crop(low, high)
    first, second, third = (slice(int(start), int(stop)) for start, stop in zip(low, high, strict=True))
    window = (first, second, third)
    if not (high > low).all():
        return window, np.zeros(part.shape, np.bool_)
    is_same_lattice = part.shape == aligned.shape and np.allclose(part.affine_lps, aligned.affine_lps, atol=TOUCH)
    values = aligned.voxels if is_same_lattice else interpolate(aligned, part)
    return window, values > 0


def align_axes(volume: Volume, grid: Volume) -> Volume:
    """Reorient a volume so that its index axes run as the grid's do, as nearly as they can."""
    turn = (grid.affine_lps[:3, :3] / grid.spacing_mm).T @ (volume.affine_lps[:3, :3] / volume.spacing_mm)
    first, second, third = (int(axis) for axis in np.abs(turn).argmax(axis=1))
    backwards = [bool(turn[row, column] < 0) for row, column in enumerate((first, second, third))]
    return volume.reorient((first, second, third), (backwards[0], backwards[1], backwards[2]))
