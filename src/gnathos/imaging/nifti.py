"""NIfTI-1 and NIfTI-2 in.

Source: https://nifti.nimh.nih.gov (nifti1.h, nifti2.h). Its frame is RAS and its order x first: turned here.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gnathos.errors import FormatNotRecognised, GeometryError
from gnathos.imaging.limits import Limits
from gnathos.imaging.streams import affine_from_axes, gray_values, open_content, read_exactly, read_voxels
from gnathos.imaging.volume import Affine, Volume

_LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0])

_HEADERS = {
    348: np.dtype(
        [
            *[("size", "i4"), ("_1", "V36"), ("dim", "i2", 8), ("_2", "V14"), ("datatype", "i2"), ("bitpix", "i2")],
            *[("_3", "V2"), ("pixdim", "f4", 8), ("vox_offset", "f4"), ("slope", "f4"), ("intercept", "f4")],
            *[("_4", "V3"), ("units", "u1"), ("_5", "V128"), ("qform", "i2"), ("sform", "i2")],
            *[("quatern", "f4", 3), ("qoffset", "f4", 3), ("srow", "f4", (3, 4)), ("_6", "V16"), ("magic", "S4")],
        ]
    ),
    540: np.dtype(
        [
            *[("size", "i4"), ("magic", "S8"), ("datatype", "i2"), ("bitpix", "i2"), ("dim", "i8", 8), ("_1", "V24")],
            *[("pixdim", "f8", 8), ("vox_offset", "i8"), ("slope", "f8"), ("intercept", "f8"), ("_2", "V152")],
            *[("qform", "i4"), ("sform", "i4"), ("quatern", "f8", 3), ("qoffset", "f8", 3), ("srow", "f8", (3, 4))],
            *[("_3", "V4"), ("units", "i4"), ("_4", "V36")],
        ]
    ),
}
"""The headers' fields that are used, by the size that their first field tells."""

_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
_MILLIMETRES = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
"""By the unit's code: unknown (millimetres by custom), metre, millimetre, micrometre."""


def read_nifti(path: Path, limits: Limits) -> Volume:
    """Read `.nii` or `.nii.gz`.

    Raises:
        ScanError: it is not one, ends early, is too large, sheared, or says nothing of its orientation.
    """
    with open_content(path) as stream:
        header = _read_header(stream)
        shape = _shape(header)
        kind = _TYPES.get(int(header["datatype"]))
        if kind is None:
            raise FormatNotRecognised(f"NIfTI data type {int(header['datatype'])} is not one of gray values.")
        affine_lps = affine_lps_from_nifti(header)
        offset = float(header["vox_offset"])
        if not header.dtype.itemsize <= offset <= 1 << 24:
            raise FormatNotRecognised(f"The NIfTI header says that its voxels start at byte {offset:.0f}.")
        read_exactly(stream, int(offset) - header.dtype.itemsize)
        voxels = read_voxels(stream, shape, np.dtype(header.dtype["size"].str[0] + kind), limits)
    slope, intercept = float(header["slope"]), float(header["intercept"])
    if slope == 0 or not np.isfinite([slope, intercept]).all():
        slope, intercept = 1.0, 0.0  # the format's way to say that there is no scaling
    return Volume(gray_values(voxels, slope, intercept), affine_lps)


def _read_header(stream: Any) -> npt.NDArray[Any]:
    size = stream.read(4)
    endian: Literal["<", ">"]
    for endian in ("<", ">"):
        dtype = _HEADERS.get(int.from_bytes(size, "little" if endian == "<" else "big"))
        if dtype is not None and len(size) == 4:
            content = size + read_exactly(stream, dtype.itemsize - 4)
            header = np.frombuffer(content, dtype.newbyteorder(endian))[0]
            if header["magic"].startswith((b"n+1", b"n+2")):
                return header  # type: ignore[no-any-return]
    raise FormatNotRecognised("The file is not a single-file NIfTI.")


def _shape(header: npt.NDArray[Any]) -> tuple[int, int, int]:
    dimensions = [int(count) for count in header["dim"]]
    rank = dimensions[0]
    if not 3 <= rank <= 7 or any(count != 1 for count in dimensions[4 : rank + 1]):
        raise FormatNotRecognised("The NIfTI file holds no single three-dimensional volume.")
    columns, rows, slices = dimensions[1:4]
    return slices, rows, columns


def affine_lps_from_nifti(header: npt.NDArray[Any]) -> Affine:
    """The affine from the header's sform, else its qform, turned to LPS and to (slice, row, column)."""
    unit_mm = _MILLIMETRES.get(int(header["units"]) & 7)
    if unit_mm is None:
        raise GeometryError("The NIfTI header's unit is not one of length.")
    if header["sform"] > 0:
        axes_ras, origin_ras = header["srow"][:, :3].astype(float), header["srow"][:, 3].astype(float)
    elif header["qform"] > 0:
        spacing = header["pixdim"][1:4].astype(float)
        handedness = -1.0 if header["pixdim"][0] < 0 else 1.0
        axes_ras = _rotation(header["quatern"].astype(float)) * spacing * [1, 1, handedness]
        origin_ras = header["qoffset"].astype(float)
    else:
        raise GeometryError("The NIfTI header does not say how the volume lies in the patient.")
    axes_lps = _LPS_FROM_RAS @ axes_ras * unit_mm
    return affine_from_axes(axes_lps[:, ::-1], _LPS_FROM_RAS @ origin_ras * unit_mm)


def _rotation(quaternion: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    b, c, d = quaternion
    a = np.sqrt(max(0.0, 1.0 - float(quaternion @ quaternion)))
    return np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b],
        ]
    )
