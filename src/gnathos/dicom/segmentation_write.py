"""DICOM SEG out: one binary segment a structure, on the grid of the series that it was made from.

Source: DICOM PS3.3 A.51 and C.8.20. Binary rather than a label map: structures may overlap (a canal lies in its
mandible), and every viewer reads it.
"""

import hashlib
import struct
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import SegmentationStorage, generate_uid
from skimage.color import rgb2lab

from gnathos.anatomy import Structure
from gnathos.anatomy.codes import ANATOMICAL_STRUCTURE, Code, coding_of
from gnathos.anatomy.colours import Colour, colour_of
from gnathos.dicom.derived import SOURCE_IMAGE, code_item, describe_study, new_dataset, referenced_series
from gnathos.dicom.elements import decimal, item
from gnathos.dicom.source_series import SourceSeries
from gnathos.imaging import Volume

Mask = npt.NDArray[np.bool_]

_PIXEL_DATA_HEADER = struct.pack("<HH2sH", 0x7FE0, 0x0010, b"OB", 0)
_SERIES_NUMBER = 9001
_SEGMENTATION = Code("113076", "DCM", "Segmentation")


@dataclass(frozen=True)
class Segment:
    """One structure on a part of the grid."""

    structure: Structure
    window: tuple[slice, slice, slice]
    """The part: slices, rows, columns."""
    mask: Mask
    """Of the window's shape."""

    def planes(self, grid: Volume) -> Iterator[tuple[int, Mask]]:
        """The slices that the structure lies in, in full: their index and (rows, columns)."""
        for offset in np.flatnonzero(self.mask.any(axis=(1, 2))):
            plane = np.zeros(grid.shape[1:], np.bool_)
            plane[self.window[1:]] = self.mask[offset]
            yield self.window[0].start + int(offset), plane


@dataclass
class _Contents:
    """Frames as they are gathered."""

    groups: list[Dataset] = field(default_factory=list)
    pixels: bytearray = field(default_factory=bytearray)


def write_dicom_segmentation(
    grid: Volume, segments: Sequence[Segment], source: SourceSeries | None, path: Path, algorithm: str
) -> None:
    """Write a DICOM segmentation; the same segments give the same bytes.

    Args:
        grid: the scan; only its shape and affine are read.
        segments: at least one, none of them empty.
        source: the series of the scan; None where it was not DICOM: then nothing is referenced.
        path: made or replaced.
        algorithm: name and version of what found the structures.
    """
    contents = _gather(grid, segments, source)
    seed = [source.series_uid if source else str(grid.affine_lps.tolist()), hashlib.sha256(contents.pixels).hexdigest()]
    seed += [segment.structure.name for segment in segments]
    with disable_value_validation(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the source's own words are kept as they are, and warnings would quote them
        dataset = new_dataset(path, SegmentationStorage, "segmentation", seed)
        describe_study(dataset, source, grid.frame_of_reference_uid, seed)
        _describe_image(dataset, seed, grid)
        dataset.SegmentSequence = [_segment_item(number, each, algorithm) for number, each in enumerate(segments, 1)]
        dataset.SharedFunctionalGroupsSequence = [_shared_groups(grid)]
        dataset.PerFrameFunctionalGroupsSequence = contents.groups
        dataset.NumberOfFrames = len(contents.groups)
        if source is not None:
            dataset.ReferencedSeriesSequence = [referenced_series(source)]
        with path.open("wb") as stream:
            dcmwrite(stream, dataset, enforce_file_format=True)
            stream.write(_PIXEL_DATA_HEADER + struct.pack("<L", len(contents.pixels)) + contents.pixels)


def _gather(grid: Volume, segments: Sequence[Segment], source: SourceSeries | None) -> _Contents:
    contents = _Contents()

    def planes() -> Iterator[Mask]:
        for number, segment in enumerate(segments, 1):
            for index, plane in segment.planes(grid):
                contents.groups.append(_frame_groups(grid, number, index, source))
                yield plane

    for packed in _pack_bits(planes()):
        contents.pixels += packed
    contents.pixels += bytes(len(contents.pixels) % 2)
    return contents


def _pack_bits(planes: Iterable[Mask]) -> Iterator[bytes]:
    """Bits of all frames in a row, the first in a byte's lowest; a frame need not begin a byte."""
    carried = np.zeros(0, np.bool_)
    for plane in planes:
        bits = np.concatenate([carried, plane.ravel()])
        whole = len(bits) // 8 * 8
        carried = bits[whole:]
        yield np.packbits(bits[:whole], bitorder="little").tobytes()
    yield np.packbits(carried, bitorder="little").tobytes()


def _describe_image(dataset: Dataset, seed: list[str], grid: Volume) -> None:
    dataset.Modality, dataset.SeriesNumber = "SEG", _SERIES_NUMBER
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.ContentLabel, dataset.ContentDescription = "SEGMENTATION", "Structures of the jaws"
    dataset.ContentCreatorName = "Gnathos^Engine"
    dataset.SegmentationType, dataset.SegmentsOverlap = "BINARY", "UNDEFINED"
    dataset.Rows, dataset.Columns = grid.shape[1:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = dataset.PixelRepresentation = 0
    dataset.LossyImageCompression, dataset.BurnedInAnnotation = "00", "NO"
    organization_uid = generate_uid(entropy_srcs=["organization", *seed])
    dataset.DimensionOrganizationSequence = [item(DimensionOrganizationUID=organization_uid)]
    dataset.DimensionIndexSequence = [
        _dimension(organization_uid, 0x0062000B, 0x0062000A),  # Referenced Segment Number, of its group
        _dimension(organization_uid, 0x00200032, 0x00209113),  # Image Position (Patient), of its group
    ]


def _dimension(organization_uid: str, pointer: int, group: int) -> Dataset:
    return item(DimensionOrganizationUID=organization_uid, DimensionIndexPointer=pointer, FunctionalGroupPointer=group)


def _segment_item(number: int, segment: Segment, algorithm: str) -> Dataset:
    structure = segment.structure
    coding = coding_of(structure)
    kind = code_item(coding.kind)
    if coding.side is not None:
        kind.SegmentedPropertyTypeModifierCodeSequence = [code_item(coding.side)]
    if coding.fdi is not None:
        kind.EquivalentCodeSequence = [code_item(coding.fdi)]
    described = item(
        SegmentNumber=number,
        SegmentLabel=structure.name,
        SegmentDescription=structure.description[:64],
        SegmentAlgorithmType="AUTOMATIC",
        SegmentAlgorithmName=algorithm[:64],
        SegmentedPropertyCategoryCodeSequence=[code_item(ANATOMICAL_STRUCTURE)],
        SegmentedPropertyTypeCodeSequence=[kind],
        RecommendedDisplayCIELabValue=_dicom_lab(colour_of(structure)),
    )
    if coding.region is not None:
        described.AnatomicRegionSequence = [code_item(coding.region)]
    return described


def _dicom_lab(colour: Colour) -> list[int]:
    """Source: DICOM PS3.3 C.10.7.1.1: L 0-100 and a, b -128-127, each over 16 bits."""
    lightness, a, b = rgb2lab(np.array(colour) / 255)
    scaled = (lightness / 100, (a + 128) / 255, (b + 128) / 255)
    return [round(float(np.clip(each, 0, 1)) * 65535) for each in scaled]


def _shared_groups(grid: Volume) -> Dataset:
    slices_mm, rows_mm, columns_mm = grid.spacing_mm
    directions = (*grid.affine_lps[:3, 2] / columns_mm, *grid.affine_lps[:3, 1] / rows_mm)
    measures = item(
        PixelSpacing=[decimal(rows_mm), decimal(columns_mm)],
        SliceThickness=decimal(slices_mm),
        SpacingBetweenSlices=decimal(slices_mm),
    )
    orientation = item(ImageOrientationPatient=[decimal(each) for each in directions])
    return item(PixelMeasuresSequence=[measures], PlaneOrientationSequence=[orientation])


def _frame_groups(grid: Volume, number: int, index: int, source: SourceSeries | None) -> Dataset:
    place = [decimal(each) for each in grid.points_lps_mm([[index, 0, 0]])[0]]
    groups = item(
        FrameContentSequence=[item(DimensionIndexValues=[number, index + 1])],
        PlanePositionSequence=[item(ImagePositionPatient=place)],
        SegmentIdentificationSequence=[item(ReferencedSegmentNumber=number)],
    )
    if source is not None and source.slices:
        groups.DerivationImageSequence = [_derivation(source, index)]
    return groups


def _derivation(source: SourceSeries, index: int) -> Dataset:
    frame = source.slices[index]
    image = item(
        ReferencedSOPClassUID=source.class_uid,
        ReferencedSOPInstanceUID=frame.instance_uid,
        PurposeOfReferenceCodeSequence=[code_item(SOURCE_IMAGE)],
        SpatialLocationsPreserved="YES",
    )
    if frame.number is not None:
        image.ReferencedFrameNumber = frame.number
    return item(SourceImageSequence=[image], DerivationCodeSequence=[code_item(_SEGMENTATION)])
