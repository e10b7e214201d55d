"""The frames of one DICOM file: where each lies and how its stored values become values."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from gnathos.dicom.geometry import Plane, plane_from_dicom
from gnathos.dicom.headers import Header
from gnathos.errors import GeometryError, ScanIsTruncated
from gnathos.imaging.limits import Limits

CUBE_TOLERANCE = 0.01
"""How near the slice thickness must be to the pixel spacing to stand in for a slice distance that nothing else says."""


@dataclass(frozen=True)
class Frame:
    """One slice in a file."""

    plane: Plane
    slope: float
    intercept: float
    rescale_type: str
    """Rescale Type; empty where absent."""


@dataclass(frozen=True)
class PixelLayout:
    """How a file stores its pixels."""

    rows: int
    columns: int
    frames: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    is_inverted: bool
    """MONOCHROME1: the least value is white."""
    padding: tuple[int, int] | None
    """Least and greatest stored value that stand for no image, where told."""


def read_layout(header: Header, limits: Limits) -> PixelLayout:
    """Take over and check how the pixels are stored.

    Raises:
        GeometryError: it is a colour image, or the numbers contradict one another.
        ScanTooLarge: the declared grid is over the limits.
    """
    dataset = header.dataset
    frames = _whole(dataset, "NumberOfFrames", 1) or 1
    bits_allocated = _whole(dataset, "BitsAllocated", 0)
    bits_stored = _whole(dataset, "BitsStored", bits_allocated)
    layout = PixelLayout(
        rows=_whole(dataset, "Rows", 0),
        columns=_whole(dataset, "Columns", 0),
        frames=frames,
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        high_bit=_whole(dataset, "HighBit", bits_stored - 1),
        is_signed=_whole(dataset, "PixelRepresentation", 0) == 1,
        is_inverted=str(dataset.get("PhotometricInterpretation", "")).strip() == "MONOCHROME1",
        padding=_padding(dataset),
    )
    if _whole(dataset, "SamplesPerPixel", 1) != 1:
        raise GeometryError("The image is in colour; a CT has gray values.")
    if bits_allocated not in {8, 16, 32} or not 0 < bits_stored <= layout.high_bit + 1 <= bits_allocated:
        raise GeometryError(
            f"Pixels of {bits_stored} bits in {bits_allocated}, up to bit {layout.high_bit}, are wrong."
        )
    limits.check_voxels(layout.frames, layout.rows, layout.columns)
    return layout


def _padding(dataset: Dataset) -> tuple[int, int] | None:
    value = dataset.get("PixelPaddingValue")
    if not isinstance(value, int):
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    ends = (value, limit if isinstance(limit, int) else value)
    return min(ends), max(ends)


def _whole(dataset: Dataset, keyword: str, default: int) -> int:
    value = dataset.get(keyword)
    try:
        return default if value is None or value == "" else int(value)
    except (TypeError, ValueError) as error:
        raise ScanIsTruncated("The DICOM file's image description is damaged.") from error


def read_frames(header: Header, count: int) -> list[Frame]:
    """Where each of a file's frames lies, in the order of the file.

    Raises:
        GeometryError: the file does not say it in full.
    """
    per_frame = header.dataset.get("PerFrameFunctionalGroupsSequence")
    if per_frame is not None and len(per_frame) > 0:
        return _enhanced_frames(header.dataset, list(per_frame), count)
    if count > 1:
        return _legacy_frames(header.dataset, count)
    return [_frame(header.dataset, header.dataset, header.dataset, header.dataset, header.dataset)]


def _enhanced_frames(dataset: Dataset, per_frame: list[Dataset], count: int) -> list[Frame]:
    if len(per_frame) != count:
        raise ScanIsTruncated(f"The file describes {len(per_frame)} of its {count} frames.")
    shared_groups = dataset.get("SharedFunctionalGroupsSequence") or [Dataset()]
    shared = shared_groups[0]
    return [
        _frame(
            _group(own, shared, dataset, "PlanePositionSequence"),
            _group(own, shared, dataset, "PlaneOrientationSequence"),
            _group(own, shared, dataset, "PixelMeasuresSequence"),
            _group(own, shared, dataset, "PixelMeasuresSequence"),
            _group(own, shared, dataset, "PixelValueTransformationSequence"),
        )
        for own in per_frame
    ]


def _group(own: Dataset, shared: Dataset, dataset: Dataset, keyword: str) -> Dataset:
    """A functional group of one frame: its own, else that of all, else the attributes at the file's top."""
    for place in (own, shared):
        items: list[Dataset] = place.get(keyword)
        if items:
            return items[0]
    return dataset


def _frame(place: Dataset, turn: Dataset, spacing: Dataset, thickness: Dataset, rescale: Dataset) -> Frame:
    plane = plane_from_dicom(
        _numbers(place, "ImagePositionPatient"),
        _numbers(turn, "ImageOrientationPatient"),
        _numbers(spacing, "PixelSpacing"),
        _number(thickness, "SliceThickness"),
    )
    slope = _number(rescale, "RescaleSlope")
    intercept = _number(rescale, "RescaleIntercept")
    return Frame(
        plane, 1.0 if slope is None else slope, intercept or 0.0, str(rescale.get("RescaleType") or "").strip().upper()
    )


def _legacy_frames(dataset: Dataset, count: int) -> list[Frame]:
    """Frames that share one position and orientation and follow one another along the normal."""
    root = _merged_with_shared(dataset)
    first = _frame(root, root, root, root, root)
    offsets_mm = _frame_offsets(root, count, first.plane)
    return [
        Frame(
            Plane(
                first.plane.position_lps_mm + offset * first.plane.normal,
                first.plane.row_direction,
                first.plane.column_direction,
                first.plane.spacing_mm,
                first.plane.thickness_mm,
            ),
            first.slope,
            first.intercept,
            first.rescale_type,
        )
        for offset in offsets_mm
    ]


def _merged_with_shared(dataset: Dataset) -> Dataset:
    """The top attributes with those of the shared functional groups, which win."""
    merged = Dataset()
    merged.update({element.tag: element for element in dataset if element.VR != "SQ"})
    for shared in (dataset.get("SharedFunctionalGroupsSequence") or [])[:1]:
        for element in shared:
            if element.VR == "SQ" and element.value:
                merged.update(element.value[0])
    return merged


def _frame_offsets(dataset: Dataset, count: int, plane: Plane) -> list[float]:
    """(count,) mm of each frame from the first, along the normal.

    Source: DICOM PS3.3 C.7.6.6 for the vectors; C.8.4.15 for the sign of Spacing Between Slices.
    """
    for keyword in ("GridFrameOffsetVector", "SliceLocationVector"):
        vector = _numbers(dataset, keyword)
        if len(vector) == count:
            return [place - vector[0] for place in vector]
    step = _number(dataset, "SpacingBetweenSlices")
    thickness = plane.thickness_mm
    if not step and thickness is not None and np.isclose(thickness, plane.spacing_mm[0], rtol=CUBE_TOLERANCE):
        step = thickness  # cubic voxels: the only case in which a thickness says where the next slice is
    if not step or not np.isfinite(step):
        raise GeometryError("The file does not say how far its frames are apart.")
    return [index * step for index in range(count)]


def _numbers(dataset: Dataset, keyword: str) -> list[float]:
    value: Any = dataset.get(keyword)
    if value is None or value == "":
        return []
    try:
        return [
            float(each) for each in (value if hasattr(value, "__len__") and not isinstance(value, str) else [value])
        ]
    except (TypeError, ValueError) as error:
        raise GeometryError(f"The file's {keyword} is not a list of numbers.") from error


def _number(dataset: Dataset, keyword: str) -> float | None:
    numbers = _numbers(dataset, keyword)
    return numbers[0] if numbers else None
