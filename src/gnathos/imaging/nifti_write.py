"""Writing a volume as NIfTI-1, which is RAS and x-first."""

import gzip
from pathlib import Path

import numpy as np

from gnathos.imaging.volume import Volume

HEADER_BYTES = 348
VOXELS_AT = 352
RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
DATA_TYPES = {"uint8": 2, "int16": 4, "int32": 8, "float32": 16, "uint16": 512}
"""Codes of the standard, by NumPy's names."""
MILLIMETRES = 2
SCANNER_ANATOMICAL = 1


def write_nifti(volume: Volume, path: Path) -> None:
    """Write `.nii`, or `.nii.gz`, with the geometry as sform.

    Source: the NIfTI-1 header, nifti1.h.
    """
    contents = _header(volume) + bytes(VOXELS_AT - HEADER_BYTES) + volume.voxels.tobytes()
    if path.suffix == ".gz":
        contents = gzip.compress(contents, compresslevel=1, mtime=0)
    path.write_bytes(contents)


def _header(volume: Volume) -> bytes:
    header = np.zeros(1, _LAYOUT)
    shape_xyz = volume.voxels.shape[::-1]
    header["sizeof_hdr"] = HEADER_BYTES
    header["dim"][0] = (3, *shape_xyz, 1, 1, 1, 1)
    header["datatype"] = DATA_TYPES[volume.voxels.dtype.name]
    header["bitpix"] = volume.voxels.dtype.itemsize * 8
    header["pixdim"][0] = (1, *volume.spacing_mm[::-1], 0, 0, 0, 0)
    header["vox_offset"] = VOXELS_AT
    header["scl_slope"] = 1
    header["xyzt_units"] = MILLIMETRES
    header["sform_code"] = SCANNER_ANATOMICAL
    x_first = volume.affine_lps[:, [2, 1, 0, 3]]
    header["srow"][0] = (RAS_FROM_LPS @ x_first)[:3]
    header["magic"] = b"n+1"
    return header.tobytes()


_FIELDS = {
    "sizeof_hdr": (np.dtype("<i4"), 0),
    "dim": (np.dtype("<8i2"), 40),
    "datatype": (np.dtype("<i2"), 70),
    "bitpix": (np.dtype("<i2"), 72),
    "pixdim": (np.dtype("<8f4"), 76),
    "vox_offset": (np.dtype("<f4"), 108),
    "scl_slope": (np.dtype("<f4"), 112),
    "xyzt_units": (np.dtype("u1"), 123),
    "sform_code": (np.dtype("<i2"), 254),
    "srow": (np.dtype(("<f4", (3, 4))), 280),
    "magic": (np.dtype("S4"), 344),
}
"""Of the header, what is not zero: its type and place."""
_LAYOUT = np.dtype(
    {
        "names": list(_FIELDS),
        "formats": [kind for kind, _ in _FIELDS.values()],
        "offsets": [place for _, place in _FIELDS.values()],
        "itemsize": HEADER_BYTES,
    }
)
