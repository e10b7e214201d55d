"""Scans without whose they are: of a DICOM file only what geometry and gray values need is kept.

An allow-list, stricter than the Basic Profile of PS3.15 E for what it drops: whatever is not on it goes, private and
unknown attributes included. Not the whole profile: UIDs stay (its Retain UIDs Option), so that what is made of the
scan still finds it, and pixels are not looked at: text that is burnt into them, and a face that can be rendered, stay.
"""

import struct
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.tag import BaseTag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian

from gnathos.dicom.headers import Header, is_implicit, open_pixels, read_header, reading_foreign_bytes
from gnathos.dicom.sources import refuse_unreadable, sources_in
from gnathos.errors import ScanIsTruncated
from gnathos.imaging.archives import ZIP_MAGICS
from gnathos.imaging.limits import Limits

KEPT_GROUPS = frozenset({0x0028, 0x5200})
"""Description of the pixels, and functional groups of frames."""

KEPT = frozenset(
    {
        *("SpecificCharacterSet", "ImageType", "SOPClassUID", "SOPInstanceUID", "Modality", "Manufacturer"),
        *("VolumetricProperties", "VolumeBasedCalculationTechnique", "PixelPresentation"),
        *("SliceThickness", "SpacingBetweenSlices", "GantryDetectorTilt", "KVP", "ConvolutionKernel"),
        *("ReconstructionDiameter", "PatientPosition", "StudyInstanceUID", "SeriesInstanceUID", "InstanceNumber"),
        *("ImagePositionPatient", "ImageOrientationPatient", "FrameOfReferenceUID", "SliceLocation"),
        *("PlanePositionSequence", "PlaneOrientationSequence", "FrameContentSequence", "StackID"),
        *("InStackPositionNumber", "TemporalPositionIndex", "DimensionIndexValues", "DimensionIndexSequence"),
        *("DimensionIndexPointer", "FunctionalGroupPointer", "DimensionOrganizationSequence"),
        *("DimensionOrganizationUID", "CTImageFrameTypeSequence", "FrameType"),
    }
)
"""Keywords of other groups."""

DROPPED = frozenset({"ImagePresentationComments", "PixelSpacingCalibrationDescription"})
"""Free text of the groups that are kept."""

EMPTIED = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime"),
    *("AccessionNumber", "ReferringPhysicianName", "StudyID"),
)
"""Attributes that have to be there, and may be empty (type 2)."""

METHOD = ("Gnathos: only geometry and gray values kept", "UIDs retained", "pixels not changed")
"""Each of 64 characters at most."""

_PIXEL_DATA = (0x7FE0, 0x0010)
_SEQUENCE_DELIMITER = (0xFFFE, 0xE0DD)
_UNDEFINED_LENGTH = 0xFFFFFFFF
_BLOCK_BYTES = 1 << 20


def deidentify(path: Path, target: Path, limits: Limits) -> None:
    """Write a DICOM file, or a zip of such, without whose it is; what is no DICOM in a zip is left out.

    Args:
        path: a file or a zip, not gzipped.
        target: of the same kind; names in a zip are numbers.
        limits: caps on what it unpacks to.

    Raises:
        ScanError: it cannot be read.
    """
    with reading_foreign_bytes(), sources_in(path, limits) as sources:
        headers = (header for source in sources if (header := read_header(source, limits)) is not None)
        with path.open("rb") as stream:
            is_zip = stream.read(4) in ZIP_MAGICS
        written = 0
        if is_zip:
            written = _write_zip(headers, target, limits)
        else:
            for header in headers:  # one at most
                _write(header, target, limits)
                written = 1
        if not written:
            refuse_unreadable(sources)


def _write_zip(headers: Iterator[Header], target: Path, limits: Limits) -> int:
    number = 0
    with (
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        tempfile.TemporaryDirectory(prefix="gnathos-deidentify-") as folder,
    ):
        one = Path(folder) / "one"
        for number, header in enumerate(headers, 1):
            _write(header, one, limits)
            archive.write(one, f"{number:05}.dcm")
    return number


def _write(header: Header, path: Path, limits: Limits) -> None:
    kept = _without_names(header.dataset)
    for keyword in EMPTIED:
        setattr(kept, keyword, "")
    kept.PatientIdentityRemoved = "YES"
    kept.DeidentificationMethod = list(METHOD)
    is_deflated = header.transfer_syntax_uid == DeflatedExplicitVRLittleEndian
    syntax = UID(ExplicitVRLittleEndian if is_deflated else header.transfer_syntax_uid)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = kept.SOPClassUID
    meta.MediaStorageSOPInstanceUID = kept.get("SOPInstanceUID", "")
    meta.TransferSyntaxUID = syntax
    with path.open("wb") as file:
        dcmwrite(file, FileDataset(path, kept, file_meta=meta, preamble=b"\0" * 128), enforce_file_format=True)
        _copy_pixels(header, syntax, file, limits)


def _without_names(dataset: Dataset) -> Dataset:
    kept = Dataset()
    for tag in dataset.keys():  # noqa: SIM118 - iterating reads every value
        if _is_kept(tag):
            element = dataset[tag]
            if element.VR == "SQ":
                element.value = [_without_names(item) for item in element.value]
            kept.add(element)
    return kept


def _is_kept(tag: BaseTag) -> bool:
    keyword = keyword_for_tag(tag)
    return not tag.is_private and (tag.group in KEPT_GROUPS or keyword in KEPT) and keyword not in DROPPED


def _copy_pixels(header: Header, syntax: UID, file: BinaryIO, limits: Limits) -> None:
    endian = ">" if syntax == ExplicitVRBigEndian else "<"
    with open_pixels(header, limits) as pixels:
        length = _UNDEFINED_LENGTH if pixels.length is None else pixels.length
        file.write(struct.pack(f"{endian}HH", *_PIXEL_DATA))
        if not is_implicit(syntax):
            is_bytes = pixels.length is None or int(header.dataset.get("BitsAllocated", 16)) <= 8
            file.write((b"OB" if is_bytes else b"OW") + b"\0\0")
        file.write(struct.pack(f"{endian}L", length))
        if pixels.length is None:
            _copy_fragments(pixels.stream, file)
        else:
            _copy(pixels.stream, file, pixels.length)


def _copy_fragments(stream: BinaryIO, file: BinaryIO) -> None:
    while True:
        head = stream.read(8)
        if len(head) < 8:
            raise ScanIsTruncated
        *tag, length = struct.unpack("<HHL", head)
        file.write(head)
        if tuple(tag) == _SEQUENCE_DELIMITER:
            return
        _copy(stream, file, length)


def _copy(stream: BinaryIO, file: BinaryIO, length: int) -> None:
    while length:
        block = stream.read(min(length, _BLOCK_BYTES))
        if not block:
            raise ScanIsTruncated
        file.write(block)
        length -= len(block)
