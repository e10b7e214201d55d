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
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian, SegmentationStorage, generate_uid
from skimage.color import rgb2lab

from gnathos import __version__
from gnathos.anatomy import Structure
from gnathos.anatomy.codes import ANATOMICAL_STRUCTURE, Code, coding_of
from gnathos.anatomy.colours import Colour, colour_of
from gnathos.dicom.elements import decimal, item
from gnathos.dicom.source_series import SourceSeries
from gnathos.imaging import Volume

Mask = npt.NDArray[np.bool_]

_PIXEL_DATA_HEADER = struct.pack("<HH2sH", 0x7FE0, 0x0010, b"OB", 0)
_UNKNOWN_DATE, _UNKNOWN_TIME = "20200101", "120000"
"""Where the source tells none, and the standard wants one; the present time would change the bytes."""
_SERIES_NUMBER = 9001
_SEGMENTATION = Code("113076", "DCM", "Segmentation")
_SOURCE_IMAGE = Code("121322", "DCM", "Source image for image processing operation")


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
        dataset = _file_dataset(path, seed)
        _describe_study(dataset, grid, source, seed)
        _describe_image(dataset, grid, seed)
        dataset.SegmentSequence = [_segment_item(number, each, algorithm) for number, each in enumerate(segments, 1)]
        dataset.SharedFunctionalGroupsSequence = [_shared_groups(grid)]
        dataset.PerFrameFunctionalGroupsSequence = contents.groups
        dataset.NumberOfFrames = len(contents.groups)
        if source is not None:
            dataset.ReferencedSeriesSequence = [_referenced_series(source)]
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


def _file_dataset(path: Path, seed: list[str]) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SegmentationStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["segmentation", *seed])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)


def _describe_study(dataset: Dataset, grid: Volume, source: SourceSeries | None, seed: list[str]) -> None:
    given = source.patient_and_study if source else {}
    defaults = {
        **dict.fromkeys(("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyID"), ""),
        **dict.fromkeys(("AccessionNumber", "ReferringPhysicianName", "PositionReferenceIndicator"), ""),
        "StudyInstanceUID": generate_uid(entropy_srcs=["study", *seed]),
        "FrameOfReferenceUID": grid.frame_of_reference_uid or generate_uid(entropy_srcs=["frame", *seed]),
        "StudyDate": "",
        "StudyTime": "",
    }
    for keyword, value in {**defaults, **{key: value for key, value in given.items() if value}}.items():
        setattr(dataset, keyword, value)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = SegmentationStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=["segmentation series", *seed])
    dataset.SeriesNumber, dataset.InstanceNumber = _SERIES_NUMBER, 1
    dataset.Modality = "SEG"
    dataset.SeriesDescription = "Gnathos segmentation"
    dataset.Manufacturer = dataset.ManufacturerModelName = "Gnathos"
    dataset.DeviceSerialNumber, dataset.SoftwareVersions = "0", __version__


def _describe_image(dataset: Dataset, grid: Volume, seed: list[str]) -> None:
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.ContentDate = dataset.StudyDate or _UNKNOWN_DATE
    dataset.ContentTime = dataset.StudyTime or _UNKNOWN_TIME
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
    kind = _code_item(coding.kind)
    if coding.side is not None:
        kind.SegmentedPropertyTypeModifierCodeSequence = [_code_item(coding.side)]
    if coding.fdi is not None:
        kind.EquivalentCodeSequence = [_code_item(coding.fdi)]
    described = item(
        SegmentNumber=number,
        SegmentLabel=structure.name,
        SegmentDescription=structure.description[:64],
        SegmentAlgorithmType="AUTOMATIC",
        SegmentAlgorithmName=algorithm[:64],
        SegmentedPropertyCategoryCodeSequence=[_code_item(ANATOMICAL_STRUCTURE)],
        SegmentedPropertyTypeCodeSequence=[kind],
        RecommendedDisplayCIELabValue=_dicom_lab(colour_of(structure)),
    )
    if coding.region is not None:
        described.AnatomicRegionSequence = [_code_item(coding.region)]
    return described


def _code_item(code: Code) -> Dataset:
    return item(CodeValue=code.value, CodingSchemeDesignator=code.scheme, CodeMeaning=code.meaning)


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
        PurposeOfReferenceCodeSequence=[_code_item(_SOURCE_IMAGE)],
        SpatialLocationsPreserved="YES",
    )
    if frame.number is not None:
        image.ReferencedFrameNumber = frame.number
    return item(SourceImageSequence=[image], DerivationCodeSequence=[_code_item(_SEGMENTATION)])


def _referenced_series(source: SourceSeries) -> Dataset:
    instances = [
        item(ReferencedSOPClassUID=source.class_uid, ReferencedSOPInstanceUID=uid) for uid in source.instance_uids
    ]
    return item(SeriesInstanceUID=source.series_uid, ReferencedInstanceSequence=instances)
