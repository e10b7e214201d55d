"""Draco: meshes packed to about a tenth.

Source: the Draco bitstream, https://google.github.io/draco/spec/ (header and metadata: sections 4.1 and 4.2).
"""

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import DracoPy
import numpy as np

from gnathos.meshing.formats.part import Part
from gnathos.meshing.formats.provenance import Provenance
from gnathos.meshing.mesh import Mesh

QUANTISATION_BITS = 18
"""Of a coordinate over the mesh's extent: under a micrometre for a jaw."""
COMPRESSION_LEVEL = 7
_HEADER = struct.Struct("<5sBBBBH")
_HAS_METADATA = 0x8000
_FLOAT_STEPS = 4
"""Roundings of 32 bits between a quantised coordinate and what a reader gets, in steps of its last digit."""


def write_draco(part: Part, path: Path, provenance: Provenance) -> None:
    """Write Draco in LPS millimetres, within `draco_rounding_mm`; provenance as metadata of the file."""
    mesh = part.mesh
    packed = DracoPy.encode(
        mesh.vertices_lps_mm,
        mesh.faces.astype(np.uint32),
        quantization_bits=QUANTISATION_BITS,
        compression_level=COMPRESSION_LEVEL,
        quantization_range=_range_mm(mesh),
        quantization_origin=mesh.vertices_lps_mm.min(axis=0).tolist(),
    )
    told = provenance.as_json()
    entries = {key: value if isinstance(value, str) else json.dumps(value) for key, value in told.items()}
    path.write_bytes(_with_metadata(packed, entries))


def draco_rounding_mm(mesh: Mesh) -> float:
    """How far quantisation may move a point, at most."""
    step_mm = _range_mm(mesh) / (2**QUANTISATION_BITS - 1)
    largest_mm = np.abs(mesh.vertices_lps_mm).max()
    per_axis_mm = step_mm / 2 + _FLOAT_STEPS * float(np.spacing(np.float32(largest_mm)))
    return float(np.sqrt(3) * per_axis_mm)


def _range_mm(mesh: Mesh) -> float:
    return float(np.ptp(mesh.vertices_lps_mm, axis=0).max())


def _with_metadata(packed: bytes, entries: Mapping[str, str]) -> bytes:
    """Put metadata behind the header; the library reads it and does not write it."""
    *rest, flags = _HEADER.unpack_from(packed)
    if flags & _HAS_METADATA:
        raise ValueError("the file has metadata already")
    block = bytearray(_varint(0) + _varint(len(entries)))  # none of attributes; the file's own
    for key, value in entries.items():
        name, content = key.encode(), value.encode("ascii", "replace")
        block += bytes([len(name)]) + name + _varint(len(content)) + content
    block += _varint(0)  # nothing nested
    return _HEADER.pack(*rest, flags | _HAS_METADATA) + bytes(block) + packed[_HEADER.size :]


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])
