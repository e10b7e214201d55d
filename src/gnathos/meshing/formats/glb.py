"""Binary glTF: one named node a structure, each in its colour.

Source: glTF 2.0, sections 3.6 (geometry), 3.9 (materials), 4.4 (GLB).
"""

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnathos.anatomy.colours import Colour
from gnathos.meshing.formats.part import Part
from gnathos.meshing.formats.provenance import Provenance
from gnathos.meshing.mesh import Mesh

_MAGIC, _VERSION = b"glTF", 2
_FLOAT, _UNSIGNED_INT = 5126, 5125
_VERTICES, _INDICES = 34962, 34963
"""What a buffer view is for: ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER."""
_ROUGHNESS = 0.6


def write_glb(parts: Sequence[Part], path: Path, provenance: Provenance) -> None:
    """Write GLB. Places are LPS millimetres as in every other format, not glTF's metres with y up; `extras` say so."""
    file = _Contents()
    for part in parts:
        file.add(part)
    file.document["asset"] = {"version": "2.0", "generator": provenance.engine, "extras": provenance.as_json()}
    file.document["buffers"] = [{"byteLength": len(file.buffer)}]
    text = json.dumps(file.document, separators=(",", ":")).encode()
    chunks = _chunk(b"JSON", text, b" ") + _chunk(b"BIN\0", bytes(file.buffer), b"\0")
    path.write_bytes(struct.pack("<4sII", _MAGIC, _VERSION, 12 + len(chunks)) + chunks)


class _Contents:
    """The document and its buffer, part by part."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.document: dict[str, Any] = {"asset": {}, "scene": 0, "scenes": [{"nodes": []}]}
        self.document |= {key: [] for key in ("nodes", "meshes", "materials", "accessors", "bufferViews")}

    def add(self, part: Part) -> None:
        """A node with a mesh and a material of its own."""
        number = len(self.document["nodes"])
        vertices = part.mesh.vertices_lps_mm.astype("<f4")
        place = self._accessor(vertices, "VEC3", _VERTICES)
        box = {"min": vertices.min(axis=0).tolist(), "max": vertices.max(axis=0).tolist()}
        self.document["accessors"][place] |= box
        attributes = {"POSITION": place, "NORMAL": self._accessor(_normals(part.mesh), "VEC3", _VERTICES)}
        indices = self._accessor(part.mesh.faces.astype("<u4").ravel(), "SCALAR", _INDICES)
        primitive = {"attributes": attributes, "indices": indices, "material": number}
        self.document["materials"].append(_material(part.name, part.colour))
        self.document["meshes"].append({"name": part.name, "primitives": [primitive]})
        self.document["nodes"].append({"name": part.name, "mesh": number})
        self.document["scenes"][0]["nodes"].append(number)

    def _accessor(self, values: npt.NDArray[Any], kind: str, target: int) -> int:
        view = {"buffer": 0, "byteOffset": len(self.buffer), "byteLength": values.nbytes, "target": target}
        self.buffer += values.tobytes()
        self.document["bufferViews"].append(view)
        component = _FLOAT if values.dtype.kind == "f" else _UNSIGNED_INT
        accessor = {"bufferView": len(self.document["bufferViews"]) - 1, "componentType": component}
        self.document["accessors"].append({**accessor, "count": len(values), "type": kind})
        return len(self.document["accessors"]) - 1


def _normals(mesh: Mesh) -> npt.NDArray[np.float32]:
    """(n, 3) unit normals of corners: those of the triangles around, weighed by their areas."""
    first, second, third = np.moveaxis(mesh.triangles_lps_mm, 1, 0)
    crosses = np.cross(second - first, third - first)
    count = len(mesh.vertices_lps_mm)
    corners = mesh.faces.ravel()
    spread = np.repeat(crosses, 3, axis=0)
    sums = np.column_stack([np.bincount(corners, weights=spread[:, axis], minlength=count) for axis in range(3)])
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.where(lengths > 0, sums / np.where(lengths > 0, lengths, 1), (0, 0, 1)).astype("<f4")


def _material(name: str, colour: Colour) -> dict[str, Any]:
    shade = [round(_linear(each / 255), 6) for each in colour]
    surface = {"baseColorFactor": [*shade, 1.0], "metallicFactor": 0.0, "roughnessFactor": _ROUGHNESS}
    return {"name": name, "pbrMetallicRoughness": surface}


def _linear(level: float) -> float:
    """From sRGB, which colours are written in, to the linear light that glTF wants."""
    return level / 12.92 if level <= 0.04045 else float(((level + 0.055) / 1.055) ** 2.4)


def _chunk(kind: bytes, content: bytes, filler: bytes) -> bytes:
    padded = content + filler * (-len(content) % 4)
    return struct.pack("<I4s", len(padded), kind) + padded
