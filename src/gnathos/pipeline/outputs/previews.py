"""A sheet of pictures: the meshes from four sides above, three slices of the scan with what was found below."""

import imagecodecs
import numpy as np
import numpy.typing as npt

from gnathos.anatomy import STRUCTURES, find_structure
from gnathos.anatomy.colours import colour_of
from gnathos.imaging import Volume
from gnathos.pipeline.case import Case
from gnathos.pipeline.outputs.answers import available, not_found
from gnathos.pipeline.outputs.rendering import VIEWS, Picture, draw, spread_points
from gnathos.pipeline.outputs.segmentations import label_map, segments_of
from gnathos.pipeline.request import OutputFile, OutputResult

TILE_PX = 400
_DARKEST, _BRIGHTEST = 0.01, 0.998
"""Shares of the scan's values that are drawn black and white."""
_OVERLAY = 0.5
_GRAYNESS = 0.9
"""Of a structure's colour, what is left out on slices."""


def make_preview(output: OutputFile, case: Case) -> OutputResult:
    """Write the sheet as PNG; surface scans are shown only where there is no volume, for they lie elsewhere."""
    names = [name for name in case.findings_for(output) if case.has(name)]
    shown = [name for name in names if name in case.found] or names[:1]
    if not shown:
        return not_found(output, case)
    tiles = [_mesh_tiles(shown, case)]
    if case.scan is not None and shown[0] in case.found:
        tiles.append(_slice_tiles(shown, case, case.scan.volume))
    sheet = np.concatenate(tiles)
    path = case.path_for(output)
    (case.folder / path).write_bytes(imagecodecs.png_encode(sheet))
    return available(output, case, path, {"width": sheet.shape[1], "height": sheet.shape[0]})


def _mesh_tiles(names: list[str], case: Case) -> Picture:
    meshes = [(case.surface_of((name,)), colour_of(find_structure(name))) for name in names]
    cloud = spread_points(meshes, TILE_PX)
    return np.concatenate([draw(cloud, view, TILE_PX) for view in VIEWS], axis=1)


def _slice_tiles(names: list[str], case: Case, scan: Volume) -> Picture:
    labels = label_map(segments_of(names, case, scan), scan).to_patient_axes()
    gray = scan.to_patient_axes()
    low, high = np.quantile(gray.voxels[::4, ::4, ::4], [_DARKEST, _BRIGHTEST])
    middle = _middle(labels.voxels)
    tiles = []
    for axis in range(3):
        values, marks = (np.take(each.voxels, middle[axis], axis) for each in (gray, labels))
        shades = np.clip((values - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)
        spacing_mm = np.delete(gray.spacing_mm, axis)
        tiles.append(_fit(_coloured(shades, marks), spacing_mm, upside_down=axis > 0))
    blank = np.zeros((TILE_PX, TILE_PX, 3), np.uint8)
    return np.concatenate([*tiles, blank], axis=1)


def _middle(labels: npt.NDArray[np.uint8]) -> list[int]:
    """Slice, row and column half-way through what was found."""
    middle = []
    for axis in range(3):
        inside = np.flatnonzero(labels.any(axis=tuple({0, 1, 2} - {axis})))
        middle.append(int(inside[len(inside) // 2]) if len(inside) else labels.shape[axis] // 2)
    return middle


def _coloured(shades: npt.NDArray[np.float32], marks: npt.NDArray[np.uint8]) -> Picture:
    palette = np.zeros((256, 3), np.float32)
    for structure in STRUCTURES.values():
        strong = np.array(colour_of(structure), np.float32)
        strong -= _GRAYNESS * strong.min()  # bone in the colour of bone would not be seen on bone
        palette[structure.label] = strong / strong.max()
    share = np.where(marks > 0, np.float32(_OVERLAY), np.float32(0))[..., None]
    mixed = shades[..., None] * (1 - share) + palette[marks] * share
    return np.asarray(mixed * 255, np.uint8)


def _fit(picture: Picture, spacing_mm: npt.NDArray[np.float64], upside_down: bool) -> Picture:
    """Scale to a tile, true to the patient's proportions; slices run to the head, pictures to the foot."""
    extent_mm = spacing_mm * picture.shape[:2]
    pixel_mm = extent_mm.max() / TILE_PX
    places_mm = (np.arange(TILE_PX) + 0.5 - TILE_PX / 2) * pixel_mm
    rows, columns = (
        np.floor((places_mm + extent / 2) / spacing).astype(int)
        for extent, spacing in zip(extent_mm, spacing_mm, strict=True)
    )
    inside = ((rows >= 0) & (rows < picture.shape[0]))[:, None] & ((columns >= 0) & (columns < picture.shape[1]))
    tile = picture[rows.clip(0, picture.shape[0] - 1)][:, columns.clip(0, picture.shape[1] - 1)]
    fitted = np.where(inside[..., None], tile, np.uint8(0))
    return fitted[::-1] if upside_down else fitted
