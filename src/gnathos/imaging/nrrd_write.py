"""Writing a volume as NRRD."""

import gzip
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gnathos.imaging.volume import Volume

TYPES = {"uint8": "uint8", "int16": "int16", "uint16": "uint16", "float32": "float"}
"""The format's names, by NumPy's."""


def write_nrrd(volume: Volume, path: Path, remarks: Mapping[str, str] | None = None) -> None:
    """Write `.nrrd` with its header attached, gzipped, in LPS.

    Args:
        volume: of one of `TYPES`; the same volume gives the same bytes.
        path: made or replaced.
        remarks: key/value pairs of the header.

    Source: https://teem.sourceforge.net/nrrd/format.html.
    """
    kind = volume.voxels.dtype
    lines = [
        "NRRD0004",
        f"type: {TYPES[kind.name]}",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {' '.join(map(str, volume.shape[::-1]))}",
        f"space directions: {' '.join(_vector(volume.affine_lps[:3, axis]) for axis in (2, 1, 0))}",
        "kinds: domain domain domain",
        "endian: little",
        "encoding: gzip",
        f"space origin: {_vector(volume.affine_lps[:3, 3])}",
        *(f"{key}:={value}" for key, value in (remarks or {}).items()),
    ]
    header = "\n".join(lines) + "\n\n"
    values = volume.voxels.astype(kind.newbyteorder("<"), copy=False).tobytes()
    path.write_bytes(header.encode() + gzip.compress(values, compresslevel=1, mtime=0))


def _vector(numbers: npt.NDArray[np.float64]) -> str:
    return f"({','.join(repr(float(number)) for number in numbers)})"
