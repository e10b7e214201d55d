"""VTK image data in: `.vti`.

Source: https://docs.vtk.org/en/latest/vtk_file_formats/vtkxml_file_format.html. VTK knows no patient; its coordinates
are taken for LPS millimetres, as programs that write them from DICOM mean them.
"""

import base64
import binascii
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt

from gnathos.errors import FormatNotRecognised, GeometryError, ScanIsTruncated
from gnathos.imaging.limits import Limits, read_at_most
from gnathos.imaging.streams import affine_from_axes, gray_values, open_content
from gnathos.imaging.volume import Volume

_TYPES = {
    "Int8": "i1",
    "UInt8": "u1",
    "Int16": "i2",
    "UInt16": "u2",
    "Int32": "i4",
    "UInt32": "u4",
    "Float32": "f4",
    "Float64": "f8",
}
_APPENDED = b"<AppendedData"
_ZLIB = "vtkZLibDataCompressor"


@dataclass(frozen=True)
class _Packing:
    """How a file stores its arrays."""

    endian: str
    header: str
    """Type of the sizes before each array: `I` or `Q`."""
    is_compressed: bool
    is_appended_base64: bool


def read_vti(path: Path, limits: Limits) -> Volume:
    """Read `.vti` (or `.vti.gz`).

    Raises:
        ScanError: it is not one, ends early, is too large, or sheared.
    """
    with open_content(path) as stream:
        content = read_at_most(stream, limits)
    root, appended = _parse(content)
    grid = root.find("ImageData")
    if root.tag != "VTKFile" or grid is None:
        raise FormatNotRecognised("The file is not VTK image data.")
    low, shape = _extent(grid)
    limits.check_voxels(*shape)
    spacing = _numbers(grid.get("Spacing", "1 1 1"), 3)
    axes = _numbers(grid.get("Direction", "1 0 0 0 1 0 0 0 1"), 9).reshape(3, 3) * spacing
    origin = _numbers(grid.get("Origin", "0 0 0"), 3) + axes @ low
    affine_lps = affine_from_axes(axes[:, ::-1], origin)
    array = grid.find("Piece/PointData/DataArray")
    if array is None or len(grid.findall("Piece")) != 1 or array.get("NumberOfComponents", "1") != "1":
        raise FormatNotRecognised("The VTK file holds no single array of gray values at its points.")
    return Volume(gray_values(_read_array(array, shape, _packing(root), appended)), affine_lps)


def _parse(content: bytearray) -> tuple[ET.Element, bytes | None]:
    """The file's tree, and the bytes behind its `_` where it has appended data."""
    place = content.find(_APPENDED)
    text, appended = bytes(content), None
    if place >= 0:
        start = content.find(b"_", content.find(b">", place)) + 1
        text = bytes(memoryview(content)[:start]) + b"</AppendedData></VTKFile>"
        end = content.rfind(b"</AppendedData")
        if end < start:
            raise ScanIsTruncated
        appended = bytes(memoryview(content)[start:end])
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise FormatNotRecognised("The VTK file has a document type of its own.")
    try:
        return ET.fromstring(text), appended  # noqa: S314 - entities are refused above
    except ET.ParseError as error:
        raise FormatNotRecognised("The file is not VTK image data, or ends early.") from error


def _extent(grid: ET.Element) -> tuple[npt.NDArray[np.float64], tuple[int, int, int]]:
    """(3,) first index x, y, z, and the shape (slices, rows, columns)."""
    ends = _numbers(grid.get("WholeExtent", ""), 6).reshape(3, 2)
    columns, rows, slices = (int(each) for each in ends[:, 1] - ends[:, 0] + 1)
    return ends[:, 0], (slices, rows, columns)


def _packing(root: ET.Element) -> _Packing:
    compressor = root.get("compressor", "")
    if compressor not in {"", _ZLIB}:
        raise FormatNotRecognised(f"VTK data packed by {compressor[:40]} are not read; zlib is.")
    endian = ">" if root.get("byte_order") == "BigEndian" else "<"
    appended = root.find("AppendedData")
    is_base64 = appended is not None and appended.get("encoding") == "base64"
    return _Packing(endian, "Q" if root.get("header_type") == "UInt64" else "I", compressor == _ZLIB, is_base64)


def _read_array(
    array: ET.Element, shape: tuple[int, int, int], packing: _Packing, appended: bytes | None
) -> npt.NDArray[np.generic]:
    kind = _TYPES.get(array.get("type", ""))
    if kind is None:
        raise FormatNotRecognised("The VTK file's values are not of a type that is read.")
    dtype = np.dtype(kind).newbyteorder("<" if packing.endian == "<" else ">")
    size_bytes = int(np.prod(shape)) * dtype.itemsize
    try:
        values = _array_bytes(array, packing, appended, size_bytes)
    except (struct.error, zlib.error, binascii.Error, ValueError, IndexError) as error:
        raise ScanIsTruncated("The VTK file's values are damaged or end early.") from error
    if array.get("format") == "ascii":
        return _ascii(array, shape)
    if len(values) < size_bytes:
        raise ScanIsTruncated
    voxels = np.frombuffer(values, dtype, int(np.prod(shape))).reshape(shape)
    return voxels.astype(dtype.newbyteorder("="))


def _ascii(array: ET.Element, shape: tuple[int, int, int]) -> npt.NDArray[np.generic]:
    values = _numbers(array.text or "", int(np.prod(shape)))
    return values.astype(_TYPES[array.get("type", "")]).reshape(shape)


def _array_bytes(array: ET.Element, packing: _Packing, appended: bytes | None, size_bytes: int) -> bytes:
    style = array.get("format")
    if style == "ascii":
        return b""
    if style == "appended" and appended is not None:
        packed = memoryview(appended)[int(array.get("offset", "0")) :]
        return _unpack(_from_base64(packed, packing) if packing.is_appended_base64 else packed, packing, size_bytes)
    if style == "binary":
        text = "".join((array.text or "").split()).encode()
        return _unpack(_from_base64(memoryview(text), packing), packing, size_bytes)
    raise FormatNotRecognised("The VTK file does not say where its values are.")


def _from_base64(text: memoryview, packing: _Packing) -> memoryview:
    """The bytes of one array; the sizes of compressed blocks are encoded by themselves, then the blocks together."""
    width = struct.calcsize(packing.header)
    (count,) = struct.unpack_from(packing.endian + packing.header, base64.b64decode(text[: _encoded_size(width)]))
    if not packing.is_compressed:
        return memoryview(base64.b64decode(text[: _encoded_size(width + count)]))
    first = _encoded_size((3 + count) * width)
    sizes = base64.b64decode(text[:first])
    total = sum(struct.unpack_from(f"{packing.endian}{count}{packing.header}", sizes, 3 * width))
    return memoryview(sizes + base64.b64decode(text[first : first + _encoded_size(total)]))


def _encoded_size(size_bytes: int) -> int:
    return 4 * -(-size_bytes // 3)


def _unpack(packed: memoryview, packing: _Packing, size_bytes: int) -> bytes:
    width = struct.calcsize(packing.header)
    if not packing.is_compressed:
        return bytes(packed[width : width + size_bytes])
    (count,) = struct.unpack_from(packing.endian + packing.header, packed)
    sizes = struct.unpack_from(f"{packing.endian}{count + 2}{packing.header}", packed, width)
    place = (3 + count) * width
    unpacked = bytearray()
    for size in sizes[2:]:
        room = size_bytes - len(unpacked)
        unpacked += zlib.decompressobj().decompress(packed[place : place + size], max(room, 1))
        place += size
    return bytes(unpacked[:size_bytes])


def _numbers(text: str, count: int) -> npt.NDArray[np.float64]:
    try:
        numbers = np.array([float(each) for each in text.split()])
    except ValueError as error:
        raise GeometryError("The VTK file's numbers cannot be read.") from error
    if len(numbers) != count:
        raise GeometryError(f"The VTK file has {len(numbers)} numbers where {count} belong.")
    return numbers
