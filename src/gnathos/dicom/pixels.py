"""From stored bytes to stored values, frame by frame, whatever the compression."""

import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from pydicom.encaps import generate_frames
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from gnathos.dicom.frames import PixelLayout
from gnathos.dicom.headers import Header, PixelStream, open_pixels
from gnathos.errors import CodecUnsupported, ScanIsTruncated
from gnathos.imaging.limits import Limits

Decoder = Callable[[bytes, PixelLayout], npt.NDArray[Any]]

_DECODING_THREADS = 2
_FRAMES_AT_ONCE = 16

_END_OF_IMAGE = b"\xff\xd9"
_PADDING_BYTES = 16
"""How many bytes may follow a codestream's end."""

_UNCOMPRESSED = {
    str(ImplicitVRLittleEndian): "<",
    str(ExplicitVRLittleEndian): "<",
    str(DeflatedExplicitVRLittleEndian): "<",
    str(ExplicitVRBigEndian): ">",
}
"""Transfer syntaxes of plain pixels, and their byte order."""


def _decode_rle(frame: bytes, layout: PixelLayout) -> npt.NDArray[Any]:
    dtype = np.dtype(f"<u{layout.bits_allocated // 8}")
    flat = np.frombuffer(imagecodecs.dicomrle_decode(frame, dtype=dtype), dtype)
    if flat.size < layout.rows * layout.columns:
        raise ScanIsTruncated
    return flat.ravel()[: layout.rows * layout.columns].reshape(layout.rows, layout.columns)


def _decode_jpeg_lossless(frame: bytes, layout: PixelLayout) -> npt.NDArray[Any]:
    _check_declared_size(_jpeg_size(frame), layout)
    return np.asarray(imagecodecs.ljpeg_decode(frame))


def _decode_jpeg_ls(frame: bytes, layout: PixelLayout) -> npt.NDArray[Any]:
    if _END_OF_IMAGE not in frame[-_PADDING_BYTES:]:
        raise ScanIsTruncated("A compressed frame ends early.")  # the decoder would search for its end for seconds
    _check_declared_size(_jpeg_size(frame), layout)
    return np.asarray(imagecodecs.jpegls_decode(frame))


def _decode_jpeg_2000(frame: bytes, layout: PixelLayout) -> npt.NDArray[Any]:
    _check_declared_size(_jpeg_2000_size(frame), layout)
    return np.asarray(imagecodecs.jpeg2k_decode(frame))


_DECODERS: dict[str, Decoder] = {
    str(RLELossless): _decode_rle,
    str(JPEGLossless): _decode_jpeg_lossless,
    str(JPEGLosslessSV1): _decode_jpeg_lossless,
    str(JPEGLSLossless): _decode_jpeg_ls,
    str(JPEGLSNearLossless): _decode_jpeg_ls,
    str(JPEG2000Lossless): _decode_jpeg_2000,
    str(JPEG2000): _decode_jpeg_2000,
    str(HTJ2KLossless): _decode_jpeg_2000,
    str(HTJ2KLosslessRPCL): _decode_jpeg_2000,
    str(HTJ2K): _decode_jpeg_2000,
}


def least_pixel_bytes(layout: PixelLayout, transfer_syntax_uid: str) -> int:
    """How many bytes a whole file's pixels take at least; 0 where they are compressed."""
    if transfer_syntax_uid not in _UNCOMPRESSED or transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
        return 0
    return layout.rows * layout.columns * layout.frames * layout.bits_allocated // 8


def stored_dtype(layout: PixelLayout) -> np.dtype[Any]:
    """The type that holds a file's stored values."""
    return np.dtype(f"{'i' if layout.is_signed else 'u'}{layout.bits_allocated // 8}")


def stored_frames(header: Header, layout: PixelLayout, limits: Limits) -> Iterator[npt.NDArray[Any]]:
    """Decode a file's frames in the order of the file.

    Yields:
        (rows, columns) stored values of `stored_dtype`, before any rescaling.

    Raises:
        ScanIsTruncated: the file ends before its last frame, or a frame is damaged.
        CodecUnsupported: the compression is none that is decoded here.
    """
    uid = header.transfer_syntax_uid
    if uid not in _UNCOMPRESSED and uid not in _DECODERS:
        raise CodecUnsupported
    with open_pixels(header, limits) as pixels:
        if uid in _UNCOMPRESSED:
            yield from _plain_frames(pixels, layout, _UNCOMPRESSED[uid])
        else:
            yield from _compressed_frames(pixels, layout, _DECODERS[uid])


def _plain_frames(pixels: PixelStream, layout: PixelLayout, endian: str) -> Iterator[npt.NDArray[Any]]:
    dtype = np.dtype(endian + stored_dtype(layout).str[1:])
    frame_bytes = layout.rows * layout.columns * dtype.itemsize
    if pixels.length is None or pixels.length < frame_bytes * layout.frames:
        raise ScanIsTruncated("The file holds fewer pixels than it declares.")
    for _ in range(layout.frames):
        content = pixels.stream.read(frame_bytes)
        if len(content) < frame_bytes:
            raise ScanIsTruncated
        frame = np.frombuffer(content, dtype).reshape(layout.rows, layout.columns)
        yield _take_stored_bits(frame, layout)


def _compressed_frames(pixels: PixelStream, layout: PixelLayout, decode: Decoder) -> Iterator[npt.NDArray[Any]]:
    packed = generate_frames(pixels.stream, number_of_frames=layout.frames)
    count = 0
    with ThreadPoolExecutor(_DECODING_THREADS) as pool:
        while some := list(islice(packed, min(_FRAMES_AT_ONCE, layout.frames - count))):
            yield from pool.map(lambda frame: _decode_frame(frame, layout, decode), some)
            count += len(some)
    if count < layout.frames:
        raise ScanIsTruncated(f"The file holds {count} of its {layout.frames} frames.")


def _decode_frame(packed: bytes, layout: PixelLayout, decode: Decoder) -> npt.NDArray[Any]:
    try:
        frame = decode(packed, layout)
    except (RuntimeError, ValueError, IndexError, MemoryError, struct.error) as error:
        raise ScanIsTruncated("A compressed frame is damaged.") from error
    if frame.shape != (layout.rows, layout.columns):
        raise ScanIsTruncated("A compressed frame does not have the size that the file declares.")
    return _take_stored_bits(frame, layout)


def _take_stored_bits(frame: npt.NDArray[Any], layout: PixelLayout) -> npt.NDArray[Any]:
    """Drop what lies beside the stored bits (old files keep overlays there) and extend the sign."""
    dtype = stored_dtype(layout)
    if frame.dtype.kind == "i" and layout.is_signed and layout.bits_stored == layout.bits_allocated:
        return frame.astype(dtype, copy=False)
    if layout.bits_stored == layout.bits_allocated:
        return frame.astype(dtype.str.replace("i", "u"), copy=False).view(dtype)
    if frame.dtype.kind == "i" and not _has_container_of(frame, layout):
        return frame.astype(dtype, copy=False)
    raw = frame.astype(f"u{dtype.itemsize}", copy=False)
    above = layout.bits_allocated - 1 - layout.high_bit
    below = layout.bits_allocated - layout.bits_stored
    # To the top, so that the bits above fall off; then down, which copies the sign where there is one.
    return np.asarray((raw << raw.dtype.type(above)).view(dtype) >> dtype.type(below))


def _has_container_of(frame: npt.NDArray[Any], layout: PixelLayout) -> bool:
    return frame.dtype.itemsize * 8 == layout.bits_allocated


def _check_declared_size(size: tuple[int, int], layout: PixelLayout) -> None:
    """Refuse a codestream that would allocate another image than the file declares."""
    if size != (layout.rows, layout.columns):
        raise ScanIsTruncated("A compressed frame does not have the size that the file declares.")


_START_OF_FRAME = {0xC0, 0xC1, 0xC2, 0xC3, 0xF7}
"""JPEG markers that carry the size: the DCT frames, lossless, and JPEG-LS."""


def _jpeg_size(codestream: bytes) -> tuple[int, int]:
    """(rows, columns) that a JPEG or JPEG-LS codestream declares."""
    place = 2
    while place + 9 <= len(codestream):
        marker, length = struct.unpack_from(">xBH", codestream, place)
        if marker in _START_OF_FRAME:
            rows, columns = struct.unpack_from(">HH", codestream, place + 5)
            return rows, columns
        place += 2 + length
    raise ScanIsTruncated("A compressed frame is damaged.")


def _jpeg_2000_size(codestream: bytes) -> tuple[int, int]:
    """(rows, columns) that a JPEG 2000 codestream declares in its SIZ segment."""
    start = codestream.find(b"\xff\x4f\xff\x51")
    if start < 0:
        raise ScanIsTruncated("A compressed frame is damaged.")
    width, height, left, top = struct.unpack_from(">4L", codestream, start + 8)
    return height - top, width - left
