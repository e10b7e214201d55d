"""A panoramic picture: the scan unrolled along the dental arch, as a dentist reads it."""

from dataclasses import dataclass

import imagecodecs
import numpy as np
import numpy.typing as npt

from gnathos.anatomy import STRUCTURES
from gnathos.dicom import DerivedPicture, write_dicom_picture
from gnathos.imaging import Volume
from gnathos.imaging.curved import unroll
from gnathos.pipeline.arch import dental_arch
from gnathos.pipeline.case import Case
from gnathos.pipeline.outputs.answers import available, not_found
from gnathos.pipeline.request import OutputFile, OutputResult

PIXEL_MM = 0.3
SLAB_MM = 16.0
"""Over so much across the arch the mean is taken: roots that lean, and both arches, lie in it."""

_DEPTH_STEP_MM = 1.0
_MARGIN_MM = 10.0
"""Above and below what was found."""
_BLACK, _WHITE = 0.02, 0.998
"""Shares of the picture's values below which it is black and white."""
_WHOLE = np.iinfo(np.int16)

_MARKS = {
    "R": ("####.", "#...#", "#...#", "####.", "#.#..", "#..#.", "#...#"),
    "L": ("#....", "#....", "#....", "#....", "#....", "#....", "#####"),
}
_MARK_PX = 4
"""Edge of a mark's dots."""


@dataclass(frozen=True)
class _Unrolled:
    """The picture before it is written."""

    values: npt.NDArray[np.float32]
    """(rows, columns): from the head to the foot, from the patient's right to the left."""
    shown: tuple[float, float]
    """Values that are black and white."""


def make_panoramic(output: OutputFile, case: Case) -> OutputResult:
    """Write the picture: left and right, up and down are the patient's own axes."""
    findings = case.findings_for(output)
    found = {name: case.found[name] for name in findings if name in case.found}
    teeth = {name: field for name, field in found.items() if STRUCTURES[name].fdi is not None}
    line = dental_arch(list(teeth.values()), found.get("mandible"), PIXEL_MM)
    if case.scan is None or line is None:
        return not_found(output, case, {"mandible": findings["mandible"]})
    picture = _unrolled(case.scan.volume, line, list(found.values()))
    path = case.path_for(output)
    if output.extension == ".png":
        (case.folder / path).write_bytes(imagecodecs.png_encode(_shades(picture)))
    else:
        uid = case.scan.volume.frame_of_reference_uid
        write_dicom_picture(_derived(picture, case.scan.volume), case.scan.source, uid, case.folder / path)
    rows, columns = picture.values.shape
    measures = {
        "width": columns,
        "height": rows,
        "pixelMm": PIXEL_MM,
        "slabMm": SLAB_MM,
        "projection": "mean",
        "imageLeft": "patient's right",
        "arch": list(found),
    }
    led_by = ["mandible"] if "mandible" in found else list(teeth)
    return available(output, case, path, measures, {name: findings[name] for name in led_by})


def _unrolled(scan: Volume, line: npt.NDArray[np.float64], found: list[Volume]) -> _Unrolled:
    heights = np.concatenate([each.points_lps_mm(_ends(each))[:, 2] for each in found])
    corners = np.array(np.meshgrid(*([0, count - 1] for count in scan.shape))).reshape(3, -1).T
    reach = scan.points_lps_mm(corners)[:, 2]
    top = min(heights.max() + _MARGIN_MM, reach.max())
    bottom = max(heights.min() - _MARGIN_MM, reach.min())
    depths = np.arange(-SLAB_MM / 2, SLAB_MM / 2 + _DEPTH_STEP_MM / 2, _DEPTH_STEP_MM)
    values = unroll(scan, line, np.arange(top, bottom, -PIXEL_MM), depths)
    shown = np.nanquantile(values, [_BLACK, _WHITE])
    filled = np.nan_to_num(values, nan=float(np.nanmin(values)))
    return _Unrolled(filled, (float(shown[0]), float(max(shown[1], shown[0] + 1))))


def _ends(field: Volume) -> npt.NDArray[np.intp]:
    """(n, 3) indices among which are the highest and the lowest of a structure."""
    inside = np.argwhere(field.voxels > 0)
    heights = field.points_lps_mm(inside)[:, 2]
    return inside[[heights.argmin(), heights.argmax()]]


def _shades(picture: _Unrolled) -> npt.NDArray[np.uint8]:
    """With the marks of the sides, which go with the picture wherever it is shown."""
    black, white = picture.shown
    shades = np.asarray(np.clip((picture.values - black) / (white - black), 0, 1) * 255, np.uint8)
    for letter, is_left in (("R", True), ("L", False)):
        dots = np.array([[dot == "#" for dot in row] for row in _MARKS[letter]])
        mark = np.kron(dots, np.ones((_MARK_PX, _MARK_PX), np.bool_))
        rows, columns = mark.shape
        place = slice(_MARK_PX, _MARK_PX + columns) if is_left else slice(-_MARK_PX - columns, -_MARK_PX)
        shades[_MARK_PX : _MARK_PX + rows, place][mark] = 255
    return shades


def _derived(picture: _Unrolled, scan: Volume) -> DerivedPicture:
    return DerivedPicture(
        np.clip(np.rint(picture.values), _WHOLE.min, _WHOLE.max).astype(np.int16),
        PIXEL_MM,
        picture.shown,
        f"Unrolled along the dental arch: mean of a slab of {SLAB_MM:g} mm, {PIXEL_MM:g} mm a pixel. "
        "The patient's right is on the image's left.",
        scan.is_hu,
    )
