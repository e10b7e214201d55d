"""How much a scan's mandible changes when the scan does: `python -m gnathos.evaluation.robustness SCAN`.

Needs no reference: every changed scan's result is compared with the unchanged one's, in the patient's own frame.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from scipy import ndimage
from scipy.spatial.transform import Rotation

from gnathos.dicom import read_dicom
from gnathos.evaluation.scores import dice
from gnathos.imaging import Volume
from gnathos.imaging.sampling import align_axes, block_mean, refine_grid
from gnathos.segmentation import BuiltinSegmenter, Finding

Matrix = npt.NDArray[np.float64]

COMPARED_AT_MM = 0.8
"""Grid on which two results are compared."""
TURN_DEGREES = 15.0
ORDERS = ((0, 1, 2), (1, 2, 0), (2, 1, 0))


@dataclass(frozen=True)
class Change:
    """A scan changed in one way."""

    name: str
    scan: Volume
    moved: Matrix | None = None
    """(4, 4) from the place of a point in the unchanged scan to its place in this one, LPS mm."""
    covers: Callable[[Matrix], npt.NDArray[np.bool_]] | None = None
    """Whether a place of the unchanged scan (n, 3) is in this one; all are where None."""


def changes_of(scan: Volume) -> Iterator[Change]:
    """All changes that must not matter."""
    for number, flips in enumerate(product([False, True], repeat=3)):
        signs = "".join("-" if flip else "+" for flip in flips)
        yield Change(f"axes {ORDERS[number % 3]} {signs}", scan.reorient(ORDERS[number % 3], _three(flips)))
    for offset in (-200, 200):
        yield Change(f"gray values {offset:+d}", scan.with_voxels(scan.voxels.astype(np.float32) + offset))
    for factor in (0.8, 1.25):
        yield Change(f"gray values × {factor}", scan.with_voxels((scan.voxels * factor).astype(np.float32)))
    for axis in range(3):
        yield turned(scan, axis)
    finer = refine_grid(scan.with_voxels(scan.voxels.astype(np.float32)), float(scan.spacing_mm.min()) / 2)
    yield Change("half the voxel size", finer)
    yield Change("twice the voxel size", block_mean(scan, (2, 2, 2)))


def turned(scan: Volume, axis: int) -> Change:
    """The scan of a head turned about one axis of the patient, cut by the old field of view."""
    middle = scan.points_lps_mm((np.array(scan.shape)[None] - 1) / 2)[0]
    rotation = Rotation.from_rotvec(np.deg2rad(TURN_DEGREES) * np.eye(3)[axis]).as_matrix()
    moved = np.eye(4)
    moved[:3, :3], moved[:3, 3] = rotation, middle - rotation @ middle
    back = np.linalg.inv(scan.affine_lps) @ np.linalg.inv(moved) @ scan.affine_lps
    low = float(scan.voxels.min())
    voxels = ndimage.affine_transform(scan.voxels.astype(np.float32), back, order=1, cval=low)

    def covers(places: Matrix) -> npt.NDArray[np.bool_]:
        indices = scan.indices_at(places @ rotation.T + moved[:3, 3])
        return np.asarray(((indices >= 0) & (indices <= np.array(scan.shape) - 1)).all(axis=1))

    return Change(f"turned by {TURN_DEGREES:g}° about {'xyz'[axis]}", scan.with_voxels(voxels), moved, covers)


def cropped(scan: Volume, unchanged: Finding) -> Change:
    """The lower jaw alone: cut where the upper fifth of the mandible ends, with 10 mm around the rest."""
    upright = scan.to_patient_axes()
    places = inside_lps_mm(unchanged)
    low, high = places.min(axis=0) - 10, places.max(axis=0) + 10
    high[2] = places[:, 2].max() - np.ptp(places[:, 2]) / 5
    indices = upright.indices_at([low, high])
    start = np.clip(np.ceil(indices[0]), 0, upright.shape)
    stop = np.clip(np.floor(indices[1]) + 1, 0, upright.shape)
    top = float(upright.crop(start, stop).corners_lps_mm[1, 2])
    return Change("cropped to the lower jaw", upright.crop(start, stop), None, lambda places: places[:, 2] <= top)


def inside_lps_mm(finding: Finding) -> Matrix:
    """(n, 3) places of a finding's inner voxels."""
    if finding.field is None:
        return np.zeros((0, 3))
    return finding.field.points_lps_mm(np.argwhere(finding.field.voxels > 0))


def agreement(unchanged: Finding, changed: Finding, change: Change) -> float:
    """Dice of two results where both scans can show them; 0 where one found nothing."""
    if unchanged.field is None or changed.field is None:
        return 0.0
    places = _common_places(unchanged, changed, change)
    moved = places if change.moved is None else places @ change.moved[:3, :3].T + change.moved[:3, 3]
    one, other = _inside(unchanged.field, places), _inside(changed.field, moved)
    seen = np.ones(len(places), bool) if change.covers is None else change.covers(places)
    return dice(one & seen, other & seen)


def _common_places(unchanged: Finding, changed: Finding, change: Change) -> Matrix:
    """(n, 3) places of the unchanged scan on a grid around both results."""
    back = np.eye(4) if change.moved is None else np.linalg.inv(change.moved)
    theirs = inside_lps_mm(changed) @ back[:3, :3].T + back[:3, 3]
    both = np.concatenate([inside_lps_mm(unchanged), theirs])
    axes = [np.arange(a - 2, b + 2, COMPARED_AT_MM) for a, b in zip(both.min(axis=0), both.max(axis=0), strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def _inside(field: Volume, places: Matrix) -> npt.NDArray[np.bool_]:
    values = ndimage.map_coordinates(field.voxels, field.indices_at(places).T, order=1, cval=-1)
    return np.asarray(values > 0)


def measure(scan: Volume, segmenter: BuiltinSegmenter) -> dict[str, float]:
    """Dice between the mandible of each changed scan and the unchanged one's, by change."""

    def mandible(volume: Volume) -> Finding:
        return segmenter.segment(volume, ["mandible"], lambda _: None).findings["mandible"]

    unchanged = mandible(scan)
    if unchanged.field is None:
        return {}
    every = (*changes_of(scan), cropped(scan, unchanged))
    figures = {change.name: agreement(unchanged, mandible(change.scan), change) for change in every}
    return {**figures, "the result itself, averaged over twice the voxel size": blurred_and_back(unchanged, scan)}


def blurred_and_back(unchanged: Finding, scan: Volume) -> float:
    """Agreement of a result with itself, averaged over twice the scan's voxels and interpolated back.

    Nothing drawn from a scan of such voxels can be expected to agree better.
    """
    if unchanged.field is None:
        return 0.0
    upright = align_axes(scan, unchanged.field)
    factors = np.round(2 * upright.spacing_mm / unchanged.field.spacing_mm).astype(int)
    inside = unchanged.field.with_voxels((unchanged.field.voxels > 0).astype(np.float32))
    averaged = block_mean(inside, np.maximum(1, factors))
    back = refine_grid(averaged.with_voxels(averaged.voxels - np.float32(0.5)), float(scan.spacing_mm.min()) / 2)
    return agreement(unchanged, replace(unchanged, field=back), Change("", scan))


def _three(flips: Sequence[bool]) -> tuple[bool, bool, bool]:
    return flips[0], flips[1], flips[2]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scan", type=Path, help="a DICOM file, folder or zip")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    figures = measure(replace(read_dicom(options.scan), is_hu=False), BuiltinSegmenter(options.threads))
    console = Console()
    if options.json:
        console.print_json(json.dumps(figures))
        return
    table = Table("changed", "Dice to the unchanged result")
    for name, figure in figures.items():
        table.add_row(name, f"{figure:.3f}")
    console.print(table)


if __name__ == "__main__":
    main()
