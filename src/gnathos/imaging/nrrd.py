"""NRRD in, with its header attached.

Source: https://teem.sourceforge.net/nrrd/format.html.
"""

from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from gnathos.errors import FormatNotRecognised, GeometryError
from gnathos.imaging.limits import Limits
from gnathos.imaging.streams import affine_from_axes, gray_values, gunzip, open_content, read_voxels
from gnathos.imaging.volume import Affine, Volume

_MAX_LINES = 1000
_MAX_LINE_BYTES = 10_000

_TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "f4": ("float",),
    "f8": ("double",),
}
_TYPE_OF = {name: kind for kind, names in _TYPES.items() for name in names}

_LPS_FROM = {
    "left-posterior-superior": (1.0, 1.0, 1.0),
    "lps": (1.0, 1.0, 1.0),
    "right-anterior-superior": (-1.0, -1.0, 1.0),
    "ras": (-1.0, -1.0, 1.0),
    "left-anterior-superior": (1.0, -1.0, 1.0),
    "las": (1.0, -1.0, 1.0),
}
"""By the header's space: what turns its axes to LPS."""


def read_nrrd(path: Path, limits: Limits) -> Volume:
    """Read `.nrrd` (or `.nrrd.gz`).

    Raises:
        ScanError: it is not one, ends early, is too large, sheared, or says nothing of its orientation.
    """
    with open_content(path) as stream:
        fields = _read_fields(stream)
        shape, dtype = _layout(fields)
        affine_lps = _affine_lps(fields)
        encoding = fields.get("encoding", "").lower()
        if encoding not in {"raw", "gzip", "gz"}:
            raise FormatNotRecognised(f"NRRD encoding {encoding[:20]!r} is not read; raw and gzip are.")
        content = stream if encoding == "raw" else gunzip(stream)
        return Volume(gray_values(read_voxels(content, shape, dtype, limits)), affine_lps)


def _read_fields(stream: BinaryIO) -> dict[str, str]:
    if not stream.readline(_MAX_LINE_BYTES).startswith(b"NRRD000"):
        raise FormatNotRecognised("The file is not NRRD.")
    fields: dict[str, str] = {}
    for _ in range(_MAX_LINES):
        line = stream.readline(_MAX_LINE_BYTES).decode("utf-8", "replace").strip()
        if not line:
            return fields
        name, colon, value = line.partition(":")
        if colon and not line.startswith("#") and not value.startswith("="):
            fields[name.strip().lower()] = value.strip()
    raise FormatNotRecognised("The NRRD header does not end.")


def _layout(fields: dict[str, str]) -> tuple[tuple[int, int, int], np.dtype[np.generic]]:
    detached = {"data file", "datafile"} & fields.keys()
    skipped = [fields[name] for name in ("byte skip", "byteskip", "line skip", "lineskip") if name in fields]
    if detached or any(skip != "0" for skip in skipped):
        raise FormatNotRecognised("The NRRD keeps its voxels in another file or behind other bytes.")
    kind = _TYPE_OF.get(fields.get("type", "").lower())
    sizes = fields.get("sizes", "").split()
    if kind is None or fields.get("dimension") != "3" or len(sizes) != 3 or not all(map(str.isdecimal, sizes)):
        raise FormatNotRecognised("The NRRD holds no single three-dimensional volume of gray values.")
    if kind[1] != "1" and fields.get("endian", "").lower() not in {"little", "big"}:
        raise FormatNotRecognised("The NRRD does not say its byte order.")
    columns, rows, slices = map(int, sizes)
    dtype = np.dtype(kind).newbyteorder("<" if fields.get("endian", "little").lower() == "little" else ">")
    return (slices, rows, columns), dtype


def _affine_lps(fields: dict[str, str]) -> Affine:
    signs = _LPS_FROM.get(fields.get("space", "").lower())
    if signs is None or "space directions" not in fields:
        raise GeometryError("The NRRD does not say how the volume lies in the patient.")
    axes = np.array([_vector(text) for text in fields["space directions"].split(")") if text.strip()])
    if axes.shape != (3, 3):
        raise GeometryError("The NRRD does not give three directions in space.")
    origin = _vector(fields.get("space origin", "(0,0,0)").rstrip(")"))
    return affine_from_axes((axes * signs).T[:, ::-1], origin * signs)


def _vector(text: str) -> npt.NDArray[np.float64]:
    try:
        vector = np.array([float(each) for each in text.strip().lstrip("(").split(",")])
    except ValueError as error:
        raise GeometryError("The NRRD's directions are not vectors of numbers.") from error
    if len(vector) != 3:
        raise GeometryError("The NRRD's directions are not vectors in space.")
    return vector
