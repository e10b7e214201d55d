"""From DICOM files to one volume."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnathos.dicom.frames import Frame, PixelLayout, read_frames, read_layout
from gnathos.dicom.geometry import Stack, stack_planes, straighten
from gnathos.dicom.headers import Header, read_header, reading_foreign_bytes
from gnathos.dicom.pixels import least_pixel_bytes, stored_dtype, stored_frames
from gnathos.dicom.series import choose_series
from gnathos.dicom.source_series import SourceFrame, SourceSeries, source_series, uid_of
from gnathos.dicom.sources import Source, refuse_unreadable, sources_in
from gnathos.dicom.values import replace_padding, rescale
from gnathos.errors import GeometryError, ScanIsTruncated
from gnathos.imaging import Volume
from gnathos.imaging.gray import looks_like_hu
from gnathos.imaging.limits import Limits


@dataclass(frozen=True)
class SeriesFile:
    """One file of the chosen series."""

    header: Header
    layout: PixelLayout
    frames: list[Frame]


def read_dicom(path: Path, limits: Limits | None = None) -> Volume:
    """Read a DICOM volume from one file, a folder or a zip of any depth; other files beside it are left out.

    Args:
        path: its name and ending mean nothing.
        limits: caps; the defaults where None.

    Returns:
        slices ascending along row direction × column direction; int16 or uint16 where the values are whole, else
        float32. Tilted or uneven slices come interpolated onto an even grid at right angles, float32.

    Raises:
        ScanError: it cannot be read safely; one of its subclasses says why.
    """
    return read_dicom_series(path, limits)[0]


def read_dicom_series(path: Path, limits: Limits | None = None) -> tuple[Volume, SourceSeries]:
    """The same, and whose and which series it is, for DICOM made from it.

    Raises:
        ScanError: it cannot be read safely; one of its subclasses says why.
    """
    limits = limits or Limits()
    with reading_foreign_bytes(), sources_in(path, limits) as sources:
        return _read_series(_open_series(sources, limits), limits)


def check_dicom(path: Path, limits: Limits | None = None) -> None:
    """Read the headers of what `read_dicom` would read, and see that its slices make one volume.

    Raises:
        ScanError: they do not; one of its subclasses says why.
    """
    limits = limits or Limits()
    with reading_foreign_bytes(), sources_in(path, limits) as sources:
        files = _open_series(sources, limits)
        frames = [frame for file in files for frame in file.frames]
        limits.check_voxels(len(frames), files[0].layout.rows, files[0].layout.columns)
        stack_planes([frame.plane for frame in frames])
        for file in files:
            if file.header.source.size_bytes < least_pixel_bytes(file.layout, file.header.transfer_syntax_uid):
                raise ScanIsTruncated


def _read_series(files: list[SeriesFile], limits: Limits) -> tuple[Volume, SourceSeries]:
    frames = [frame for file in files for frame in file.frames]
    limits.check_voxels(len(frames), files[0].layout.rows, files[0].layout.columns)
    stack = stack_planes([frame.plane for frame in frames])
    rescaled = rescale(
        _load(files, stack, limits),
        np.array([frames[index].slope for index in stack.order]),
        np.array([frames[index].intercept for index in stack.order]),
    )
    return _volume(rescaled, stack, files[0]), _source_of(files, stack)


def _source_of(files: list[SeriesFile], stack: Stack) -> SourceSeries:
    frames = [
        SourceFrame(uid_of(file.header.dataset, "SOPInstanceUID"), number if len(file.frames) > 1 else None)
        for file in files
        for number in range(1, len(file.frames) + 1)
    ]
    slices = tuple(frames[index] for index in stack.order)
    is_own_grid = stack.is_even and not stack.is_tilted
    instance_uids = tuple(dict.fromkeys(frame.instance_uid for frame in slices))
    return source_series(files[0].header.dataset, instance_uids, slices if is_own_grid else ())


def _open_series(sources: list[Source], limits: Limits) -> list[SeriesFile]:
    headers = [header for source in sources if (header := read_header(source, limits)) is not None]
    if not headers:
        refuse_unreadable(sources)
    files: list[SeriesFile] = []
    for header in choose_series(headers):
        layout = read_layout(header, limits)
        files.append(SeriesFile(header, layout, read_frames(header, layout.frames)))
    if len({(file.layout.rows, file.layout.columns) for file in files}) > 1:
        raise GeometryError("The slices do not all have the same number of rows and columns.")
    return files


def _load(files: list[SeriesFile], stack: Stack, limits: Limits) -> npt.NDArray[Any]:
    """(slices, rows, columns) stored values in the stack's order."""
    layout = files[0].layout
    dtype = np.result_type(*{stored_dtype(file.layout) for file in files})
    voxels = np.empty((len(stack.order), layout.rows, layout.columns), dtype)
    place_of_frame = np.argsort(stack.order)
    for frame, place in zip(_all_frames(files, limits), place_of_frame, strict=True):
        voxels[place] = frame
    paddings = {file.layout.padding for file in files} - {None}
    for low, high in filter(None, paddings):
        replace_padding(voxels, low, high)
    return voxels


def _all_frames(files: list[SeriesFile], limits: Limits) -> Iterator[npt.NDArray[Any]]:
    for file in files:
        yield from stored_frames(file.header, file.layout, limits)


def _volume(voxels: npt.NDArray[Any], stack: Stack, file: SeriesFile) -> Volume:
    dataset = file.header.dataset
    says_hu = dataset.get("Modality") == "CT" and file.frames[0].rescale_type in {"", "HU"}
    if file.layout.is_inverted and not says_hu:
        voxels = voxels.max() - voxels
    frame_uid = str(dataset.get("FrameOfReferenceUID") or "") or None
    affine_lps = stack.affine_lps
    is_hu = says_hu and looks_like_hu(voxels)
    if stack.is_tilted or not stack.is_even:
        voxels, affine_lps = straighten(voxels.astype(np.float32), stack, float(voxels.min()))
    return Volume(np.ascontiguousarray(voxels), affine_lps, is_hu, frame_uid)
