"""What a DICOM file says of itself before its pixels."""

import logging
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO
from zipfile import BadZipFile

import pydicom
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import dcmread, read_dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from gnathos.dicom.sources import Source
from gnathos.errors import FormatNotRecognised, ScanIsTruncated
from gnathos.imaging.limits import Limits

logging.getLogger("pydicom").setLevel(logging.ERROR)  # its warnings quote values, which may be a patient's

_PREAMBLE_BYTES = 128
_MAGIC = b"DICM"
_MAX_META_BYTES = 1 << 20
_PIXEL_DATA = 0x7FE00010
_UNDEFINED_LENGTH = 0xFFFFFFFF


_PARSER_ERRORS = (
    *(EOFError, struct.error, ValueError, KeyError, IndexError, AttributeError, TypeError),
    *(NotImplementedError, RecursionError, OverflowError, OSError),
)
"""What pydicom and zipfile raise on damaged bytes."""


@dataclass(frozen=True)
class Header:
    """All of a file but its pixels."""

    source: Source
    dataset: Dataset
    transfer_syntax_uid: str


@dataclass(frozen=True)
class PixelStream:
    """A file's pixel data element, opened."""

    stream: BinaryIO
    """Stands at the first byte of the value."""
    length: int | None
    """Bytes of the value; None where it is encapsulated."""


def read_header(source: Source, limits: Limits) -> Header | None:
    """Read one file up to its pixels.

    Returns:
        None where the file is not DICOM.

    Raises:
        ScanIsTruncated: it is DICOM, and damaged.
        ScanTooLarge: it is deflated and would inflate over the limits.
    """
    with source.open() as stream:
        if stream.read(_PREAMBLE_BYTES + 4)[_PREAMBLE_BYTES:] != _MAGIC:
            return None
        uid = _transfer_syntax_uid(stream)
        stream.seek(0)
        dataset = _read_dataset(stream, uid, limits)
        return Header(source, dataset, uid) if "SOPClassUID" in dataset else None


def _read_dataset(stream: BinaryIO, transfer_syntax_uid: str, limits: Limits) -> Dataset:
    if transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
        return read_dataset(_inflate(stream, limits), False, True, stop_when=_is_pixel_data)
    return dcmread(stream, stop_before_pixels=True)


@contextmanager
def open_pixels(header: Header, limits: Limits) -> Iterator[PixelStream]:
    """Open a file at the value of its Pixel Data.

    Raises:
        ScanIsTruncated: the file ends before it.
    """
    with header.source.open() as stream:
        body = _seek_pixels(stream, header.transfer_syntax_uid, limits)
        tag = body.read(4)
        endian = ">" if header.transfer_syntax_uid == ExplicitVRBigEndian else "<"
        if len(tag) < 4 or struct.unpack(f"{endian}HH", tag) != (_PIXEL_DATA >> 16, _PIXEL_DATA & 0xFFFF):
            raise ScanIsTruncated
        if not is_implicit(header.transfer_syntax_uid):
            body.read(4)  # the VR (OB or OW) and two reserved bytes
        (length,) = struct.unpack(f"{endian}L", body.read(4))
        yield PixelStream(body, None if length == _UNDEFINED_LENGTH else length)


def is_implicit(transfer_syntax_uid: str) -> bool:
    """Whether elements are written without their VR."""
    return transfer_syntax_uid == ImplicitVRLittleEndian


def _seek_pixels(stream: BinaryIO, transfer_syntax_uid: str, limits: Limits) -> BinaryIO:
    if transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
        body = _inflate(stream, limits)
        read_dataset(body, False, True, stop_when=_is_pixel_data)
        return body
    dcmread(stream, stop_before_pixels=True, specific_tags=[])
    return stream


def _is_pixel_data(tag: pydicom.tag.BaseTag, vr: str | None, length: int) -> bool:
    del vr, length
    return int(tag) >= _PIXEL_DATA


@contextmanager
def reading_foreign_bytes() -> Iterator[None]:
    """What damaged bytes make the parsers raise becomes one sentence; their warnings are nobody's business."""
    with disable_value_validation(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except InvalidDicomError as error:
            raise FormatNotRecognised("The file is not DICOM.") from error
        except (BadZipFile, zlib.error) as error:
            raise ScanIsTruncated("The archive is damaged.") from error
        except _PARSER_ERRORS as error:
            raise ScanIsTruncated("The DICOM file is damaged or ends early.") from error


def _transfer_syntax_uid(stream: BinaryIO) -> str:
    """Read group 2, which is always explicit little endian; the stream ends up behind it."""
    start = stream.tell()
    meta = read_dataset(BytesIO(stream.read(_MAX_META_BYTES)), False, True, stop_when=lambda tag, *_: tag.group != 2)
    stream.seek(start)
    return str(meta.get("TransferSyntaxUID", ImplicitVRLittleEndian))


def _inflate(stream: BinaryIO, limits: Limits) -> BinaryIO:
    stream.seek(_PREAMBLE_BYTES + 4)
    meta_start = stream.read(12)
    (meta_length,) = struct.unpack("<L", meta_start[8:])
    if meta_start[:4] != b"\x02\x00\x00\x00" or meta_length > _MAX_META_BYTES:
        raise ScanIsTruncated("The DICOM file's meta information has no length.")
    stream.read(meta_length)
    inflated = BytesIO()
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    while (block := stream.read(1 << 16)) and not engine.eof:
        inflated.write(engine.decompress(block))
        limits.check_unpacked(inflated.tell())
    inflated.seek(0)
    return inflated
