"""MetaImage in: `.mha`, its voxels in the same file.

Source: https://itk.org/Wiki/ITK/MetaIO/Documentation. Its frame is LPS, its order x first.
"""

from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from gnathos.errors import FormatNotRecognised, GeometryError
from gnathos.imaging.limits import Limits
from gnathos.imaging.streams import InflatedStream, affine_from_axes, gray_values, open_content, read_voxels
from gnathos.imaging.volume import Affine, Volume

_MAX_LINES = 1000
_MAX_LINE_BYTES = 10_000

_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}


def read_metaimage(path: Path, limits: Limits) -> Volume:
    """Read `.mha` (or `.mha.gz`).

    Raises:
        ScanError: it is not one, ends early, is too large, or sheared.
    """
    with open_content(path) as stream:
        fields = _read_fields(stream)
        kind = _TYPES.get(fields.get("ElementType", ""))
        sizes = fields.get("DimSize", "").split()
        if kind is None or fields.get("NDims") != "3" or len(sizes) != 3 or not all(map(str.isdecimal, sizes)):
            raise FormatNotRecognised("The MetaImage holds no single three-dimensional volume of gray values.")
        columns, rows, slices = map(int, sizes)
        affine_lps = _affine_lps(fields)
        is_big = _is_true(fields, "BinaryDataByteOrderMSB") or _is_true(fields, "ElementByteOrderMSB")
        dtype = np.dtype(kind).newbyteorder(">" if is_big else "<")
        content = InflatedStream(stream) if _is_true(fields, "CompressedData") else stream
        return Volume(gray_values(read_voxels(content, (slices, rows, columns), dtype, limits)), affine_lps)


def _read_fields(stream: BinaryIO) -> dict[str, str]:
    fields: dict[str, str] = {}
    for _ in range(_MAX_LINES):
        name, equals, value = stream.readline(_MAX_LINE_BYTES).decode("latin-1").partition("=")
        if not equals:
            raise FormatNotRecognised("The file is not a MetaImage.")
        fields[name.strip()] = value.strip()
        if name.strip() == "ElementDataFile":
            _check_fields(fields)
            return fields
    raise FormatNotRecognised("The MetaImage's header does not end.")


def _check_fields(fields: dict[str, str]) -> None:
    if fields["ElementDataFile"].upper() != "LOCAL":
        raise FormatNotRecognised("The MetaImage keeps its voxels in another file.")
    usual = {"ElementNumberOfChannels": "1", "BinaryData": "True", "HeaderSize": "0"}
    for name, value in usual.items():
        if fields.get(name, value).lower() != value.lower():
            raise FormatNotRecognised(f"The MetaImage's {name} is not {value}.")


def _is_true(fields: dict[str, str], name: str) -> bool:
    return fields.get(name, "False").lower() == "true"


def _affine_lps(fields: dict[str, str]) -> Affine:
    spacing = _numbers(fields, ("ElementSpacing", "ElementSize"), "1 1 1", 3)
    origin = _numbers(fields, ("Offset", "Position", "Origin"), "0 0 0", 3)
    directions = _numbers(fields, ("TransformMatrix", "Rotation", "Orientation"), "1 0 0 0 1 0 0 0 1", 9)
    axes = directions.reshape(3, 3).T * spacing  # one index axis after the other: columns
    return affine_from_axes(axes[:, ::-1], origin)


def _numbers(fields: dict[str, str], names: tuple[str, ...], default: str, count: int) -> npt.NDArray[np.float64]:
    text = next((fields[name] for name in names if name in fields), default)
    try:
        numbers = np.array([float(each) for each in text.split()])
    except ValueError as error:
        raise GeometryError(f"The MetaImage's {names[0]} is not a list of numbers.") from error
    if len(numbers) != count:
        raise GeometryError(f"The MetaImage's {names[0]} has {len(numbers)} numbers instead of {count}.")
    return numbers
