"""From parameters to a scan and its truth."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from gnathos.dicom import write_enhanced_ct
from gnathos.imaging import Affine, Volume
from gnathos.phantom.canvas import BLUR_MM, Part, Window
from gnathos.phantom.mandible import closed_to_opened, opened
from gnathos.phantom.parameters import PhantomParameters
from gnathos.phantom.scene import parts
from gnathos.phantom.shapes import Field, Points, as_field
from gnathos.phantom.teeth import all_teeth

Box = tuple[slice, slice, slice]
"""Slices, rows and columns of a part of the grid."""

_SLAB_SLICES = 16
_THREADS = 2
_PIVOT_MM = np.array([0.0, 60.0, 20.0])
"""What stays in place when the head is tilted."""

_TEXTURE_VOXELS = 128
_TEXTURE_STEP_MM = 0.55
_LEAST_HU, _GREATEST_HU = -1024, 3071
"""A scanner's twelve bits."""


@dataclass(frozen=True)
class Fact:
    """What is true of one structure inside of the field of view."""

    volume_ml: float
    centroid_lps_mm: tuple[float, float, float]


@dataclass(frozen=True)
class Phantom:
    """A scan and its truth."""

    volume: Volume
    """int16 HU."""
    truth: Volume
    """uint8 labels on the same grid."""
    facts: dict[int, Fact] = field(default_factory=dict)
    """By label."""


def make_phantom(parameters: PhantomParameters | None = None) -> Phantom:
    """Make a scan of a head; the same parameters give the same voxels.

    Memory: about six bytes a voxel.
    """
    studio = _Studio(parameters or PhantomParameters())
    starts = range(0, studio.parameters.shape[0], _SLAB_SLICES)
    hu = np.empty(studio.parameters.shape, np.int16)
    labels = np.zeros(studio.parameters.shape, np.uint8)
    with ThreadPoolExecutor(_THREADS) as pool:
        for start, slab in zip(starts, pool.map(lambda start: studio.slab(start, labels), starts), strict=True):
            hu[start : start + len(slab)] = slab
    volume = Volume(hu, studio.affine_lps, is_hu=True)
    truth = volume.with_voxels(labels)
    return Phantom(volume, truth, measure_labels(truth))


def write_phantom(phantom: Phantom, path: Path) -> None:
    """Write the scan as one enhanced multi-frame CT (`.dcm`)."""
    write_enhanced_ct(phantom.volume, path, description="Gnathos phantom")


def measure_labels(truth: Volume) -> dict[int, Fact]:
    """Volume and centroid of every label but zero."""
    sums = np.zeros((256, 4))
    for index, plane in enumerate(truth.voxels):
        flat = plane.ravel()
        counts = np.bincount(flat, minlength=256)
        rows = np.bincount(flat, np.repeat(np.arange(plane.shape[0]), plane.shape[1]), 256)
        columns = np.bincount(flat, np.tile(np.arange(plane.shape[1]), plane.shape[0]), 256)
        sums += np.column_stack([counts * index, rows, columns, counts])
    voxel_ml = float(np.prod(truth.spacing_mm)) / 1000
    present = np.flatnonzero(sums[:, 3])
    centroids = truth.points_lps_mm(sums[present, :3] / sums[present, 3:])
    return {
        int(label): Fact(float(sums[label, 3] * voxel_ml), (float(place[0]), float(place[1]), float(place[2])))
        for label, place in zip(present, centroids, strict=True)
        if label
    }


class _Studio:
    """Everything that the slabs of one phantom share."""

    def __init__(self, parameters: PhantomParameters) -> None:
        self.parameters = parameters
        self.affine_lps = _affine(parameters)
        self._parts = parts(parameters)
        self._turn = Rotation.from_euler("xyz", parameters.tilt_degrees, degrees=True)
        noise = np.random.default_rng([parameters.seed, 1]).standard_normal((_TEXTURE_VOXELS,) * 3)
        smooth = gaussian_filter(noise.astype(np.float32), 1.0, mode="wrap")
        self._texture = as_field(smooth / (2 * smooth.std()))

    def slab(self, start: int, labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        """Paint `_SLAB_SLICES` slices from `start`; their labels go straight to their place."""
        stop = min(start + _SLAB_SLICES, self.parameters.shape[0])
        hu = np.full((stop - start, *self.parameters.shape[1:]), -1000, np.float32)
        texture = self._texture_at(start, hu.shape)
        for part in self._parts:
            box = self._window_of(part, start, stop)
            if box is not None:
                local = (slice(box[0].start - start, box[0].stop - start), box[1], box[2])
                part.paint(self._window(box, part.is_of_jaw, hu[local], labels[box], texture[local]))
        self._add_streaks(hu, start)
        return self._digitised(hu, start)

    def _axes(self, box: Box) -> list[npt.NDArray[np.float64]]:
        """z, y, x of a box's slices, rows and columns, in the scan."""
        origin = self.affine_lps[:3, 3][::-1]
        return [
            origin[axis] + np.arange(each.start, each.stop) * self.parameters.spacing_mm
            for axis, each in enumerate(box)
        ]

    def _window(
        self,
        box: Box,
        is_of_jaw: bool,
        hu: Field,
        labels: npt.NDArray[np.uint8],
        texture: Field,
    ) -> Window:
        z, y, x = (float(axis[0]) for axis in self._axes(box))
        opening_mm = self.parameters.mouth_opening_mm if is_of_jaw else 0.0

        def to_frame(points: Points) -> Points:
            in_head = self._to_head(points)
            return opened(in_head, opening_mm) if opening_mm > 0 else in_head

        spacing_mm = self.parameters.spacing_mm
        edge_mm = (spacing_mm + BLUR_MM) / self.parameters.scale
        return Window(hu, labels, texture, (x, y, z), spacing_mm, to_frame, edge_mm)

    def _to_head(self, points: Points) -> Points:
        scale = self.parameters.scale
        if not any(self.parameters.tilt_degrees):
            return Points(as_field(points.x / scale), as_field(points.y / scale), as_field(points.z / scale))
        pivot = _PIVOT_MM.tolist()
        x, y, z = points.x - pivot[0], points.y - pivot[1], points.z - pivot[2]
        turned = [
            (row[0] * x + row[1] * y + row[2] * z + middle) / scale
            for row, middle in zip(self._turn.inv().as_matrix().tolist(), pivot, strict=True)
        ]
        return Points(*map(as_field, turned))

    def to_scan(self, places_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(n, 3) places of the untilted head, where they lie in the scan: LPS."""
        scaled = places_mm * self.parameters.scale
        return np.asarray(self._turn.apply(scaled - _PIVOT_MM) + _PIVOT_MM)

    def _window_of(self, part: Part, start: int, stop: int) -> Box | None:
        """The part's box on the grid within a slab of slices; None where they do not meet."""
        low = np.clip(part.low_mm, -400, 400)
        high = np.clip(part.high_mm, -400, 400)
        corners = self.to_scan(np.array(list(product(*zip(low, high, strict=True)))))
        indices = (corners - self.affine_lps[:3, 3])[:, ::-1] / self.parameters.spacing_mm
        first = np.maximum(np.floor(indices.min(axis=0)).astype(int) - 1, [start, 0, 0])
        last = np.minimum(np.ceil(indices.max(axis=0)).astype(int) + 2, [stop, *self.parameters.shape[1:]])
        if (last <= first).any():
            return None
        return slice(first[0], last[0]), slice(first[1], last[1]), slice(first[2], last[2])

    def _texture_at(self, start: int, shape: tuple[int, ...]) -> Field:
        places = self._axes((slice(start, start + shape[0]), slice(0, shape[1]), slice(0, shape[2])))
        cells = [np.floor(place / _TEXTURE_STEP_MM).astype(int) % _TEXTURE_VOXELS for place in places]
        return as_field(self._texture[np.ix_(*cells)])

    def _add_streaks(self, hu: Field, start: int) -> None:
        """Rays of bright and dark from metal crowns, in their slices only."""
        for tooth in (all_teeth()[fdi] for fdi in sorted(self.parameters.metal_teeth - self.parameters.missing_teeth)):
            middle = tooth.neck_mm + tooth.axes[2] * tooth.form.crown / 2
            if tooth.fdi >= 30:
                middle = closed_to_opened(middle[None], self.parameters.mouth_opening_mm)[0]
            x, y, z = self.to_scan(middle[None])[0]
            slices, rows, columns = self._axes(
                (slice(start, start + len(hu)), slice(0, hu.shape[1]), slice(0, hu.shape[2]))
            )
            near = np.exp(-(((slices - z) / (tooth.form.crown / 2.5)) ** 4))
            across, down = columns[None, :] - x, rows[:, None] - y
            reach = np.hypot(across, down)
            rays = np.cos(7 * np.arctan2(down, across) + tooth.fdi) * np.exp(-reach / 28) * np.minimum(1, reach / 5)
            hu += as_field(near[:, None, None] * (420 * rays)[None])

    def _digitised(self, hu: Field, start: int) -> npt.NDArray[np.int16]:
        random = np.random.default_rng([self.parameters.seed, 2, start])
        hu += random.standard_normal(hu.shape, np.float32) * np.float32(self.parameters.noise_hu)
        np.clip(hu, _LEAST_HU, _GREATEST_HU, out=hu)
        rounded: npt.NDArray[np.int16] = np.rint(hu, out=hu).astype(np.int16)
        return rounded


def _affine(parameters: PhantomParameters) -> Affine:
    spacing_mm = parameters.spacing_mm
    half_zyx = (np.array(parameters.shape) - 1) / 2 * spacing_mm
    affine = np.zeros((4, 4))
    affine[[2, 1, 0], [0, 1, 2]] = spacing_mm
    affine[:3, 3] = np.array(parameters.centre_lps_mm) - half_zyx[::-1]
    affine[3, 3] = 1
    return affine
