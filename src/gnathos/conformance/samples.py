"""Files to send: a small volume and a small surface in every format, written by hand.

The volume is a ball of bone density in air. It is a scan that can be read, and no jaw is in it.
"""

import base64
import gzip
import io
import math
import struct
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SLICES, ROWS, COLUMNS = 24, 28, 32
SPACING_MM = 2.0
BALL_RADIUS_MM = 16.0
BONE_HU, AIR_HU = 900, -1000

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
ROOT_UID = "2.25.206713428"
"""Of a UUID, as anyone may make them."""

LONG_VRS = {"OB", "OW", "SQ", "UT"}
"""Whose length has 32 bits."""

SURFACE_RADIUS_MM = 25.0
"""About a dental arch's."""

EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Sample:
    """A file to send."""

    extension: str
    content: bytes


def volume(extension: str) -> Sample:
    """The volume as a file of that extension (`.dcm`, `.zip`, `.nii`, `.nrrd`, `.vti`, `.mha`), also with `.gz`."""
    return _written(extension, VOLUME_WRITERS)


def surface(extension: str) -> Sample:
    """The surface as a file of that extension (`.stl`, `.ply`, `.obj`, `.zip`), also with `.gz`."""
    return _written(extension, SURFACE_WRITERS)


def _written(extension: str, writers: "dict[str, Callable[[], bytes]]") -> Sample:
    content = writers[extension.removesuffix(".gz")]()
    return Sample(extension, gzip.compress(content, mtime=0) if extension.endswith(".gz") else content)


def _voxels(index: int) -> bytes:
    """One slice, row by row, 16 bits each."""
    middle = ((SLICES - 1) / 2, (ROWS - 1) / 2, (COLUMNS - 1) / 2)
    found = []
    for row in range(ROWS):
        for column in range(COLUMNS):
            distance_mm = math.dist((index, row, column), middle) * SPACING_MM
            # A little structure: two voxels of the same value each would be an image that nothing made.
            found.append(
                (BONE_HU if distance_mm < BALL_RADIUS_MM else AIR_HU) + (row * 7 + column * 5 + index * 3) % 23
            )
    return struct.pack(f"<{len(found)}h", *found)


def _all_voxels() -> bytes:
    return b"".join(map(_voxels, range(SLICES)))


def _element(group: int, number: int, vr: str, value: bytes | str | Sequence[float]) -> bytes:
    """One DICOM data element, explicit VR, little endian."""
    if isinstance(value, str):
        value = value.encode()
    elif not isinstance(value, bytes):
        value = b"".join(struct.pack("<H", int(each)) for each in value)
    value += (b"\0" if vr in {"UI", "OB", "OW"} else b" ") * (len(value) % 2)
    head = struct.pack("<HH2s", group, number, vr.encode())
    return (
        head
        + (struct.pack("<HI" if vr in LONG_VRS else "<H", *((0, len(value)) if vr in LONG_VRS else (len(value),))))
        + value
    )


def _dicom(instance: str, frames: int, position_mm: float, pixels: bytes) -> bytes:
    """A CT image, of one slice or of many frames."""
    meta = b"".join(
        [
            _element(0x0002, 0x0001, "OB", b"\0\1"),
            _element(0x0002, 0x0002, "UI", CT_IMAGE_STORAGE),
            _element(0x0002, 0x0003, "UI", instance),
            _element(0x0002, 0x0010, "UI", EXPLICIT_LITTLE_ENDIAN),
            _element(0x0002, 0x0012, "UI", f"{ROOT_UID}.9"),
        ]
    )
    spacing = f"{SPACING_MM:g}"
    image = [
        _element(0x0008, 0x0016, "UI", CT_IMAGE_STORAGE),
        _element(0x0008, 0x0018, "UI", instance),
        _element(0x0008, 0x0060, "CS", "CT"),
        _element(0x0010, 0x0010, "PN", "Nobody"),
        _element(0x0018, 0x0050, "DS", spacing),
        _element(0x0018, 0x0088, "DS", spacing),
        _element(0x0020, 0x000D, "UI", f"{ROOT_UID}.1"),
        _element(0x0020, 0x000E, "UI", f"{ROOT_UID}.2"),
        _element(0x0020, 0x0013, "IS", str(round(position_mm / SPACING_MM) + 1)),
        _element(0x0020, 0x0032, "DS", f"0\\0\\{position_mm:g}"),
        _element(0x0020, 0x0037, "DS", "1\\0\\0\\0\\1\\0"),
        _element(0x0020, 0x0052, "UI", f"{ROOT_UID}.3"),
        _element(0x0028, 0x0002, "US", [1]),
        _element(0x0028, 0x0004, "CS", "MONOCHROME2"),
        _element(0x0028, 0x0008, "IS", str(frames)) if frames > 1 else b"",
        _element(0x0028, 0x0010, "US", [ROWS]),
        _element(0x0028, 0x0011, "US", [COLUMNS]),
        _element(0x0028, 0x0030, "DS", f"{spacing}\\{spacing}"),
        _element(0x0028, 0x0100, "US", [16]),
        _element(0x0028, 0x0101, "US", [16]),
        _element(0x0028, 0x0102, "US", [15]),
        _element(0x0028, 0x0103, "US", [1]),
        _element(0x0028, 0x1052, "DS", "0"),
        _element(0x0028, 0x1053, "DS", "1"),
        _element(0x0028, 0x1054, "LO", "HU"),
        _element(0x7FE0, 0x0010, "OW", pixels),
    ]
    length = _element(0x0002, 0x0000, "UL", struct.pack("<I", len(meta)))
    return b"\0" * 128 + b"DICM" + length + meta + b"".join(image)


def _dicom_file() -> bytes:
    """All slices in one file."""
    return _dicom(f"{ROOT_UID}.4", SLICES, 0.0, _all_voxels())


def _dicom_zip() -> bytes:
    """A file for each slice."""
    slices = range(SLICES)
    return _zip({f"slice{k}.dcm": _dicom(f"{ROOT_UID}.5.{k}", 1, k * SPACING_MM, _voxels(k)) for k in slices})


def _nifti() -> bytes:
    """NIfTI-1; its axes are right, anterior, superior."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, COLUMNS, ROWS, SLICES, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 4, 16)  # signed 16-bit
    struct.pack_into("<8f", header, 76, 1, SPACING_MM, SPACING_MM, SPACING_MM, 0, 0, 0, 0)
    struct.pack_into("<3f", header, 108, 352, 1, 0)  # where the voxels begin, slope, intercept
    header[123] = 2  # millimetres
    struct.pack_into("<2h", header, 252, 0, 1)  # the affine below, of the scanner
    struct.pack_into("<12f", header, 280, -SPACING_MM, 0, 0, 0, 0, -SPACING_MM, 0, 0, 0, 0, SPACING_MM, 0)
    header[344:348] = b"n+1\0"
    return bytes(header) + _all_voxels()


def _nrrd() -> bytes:
    axes = " ".join(f"({','.join(SPACING_TEXT if axis == place else '0' for place in range(3))})" for axis in range(3))
    lines = [
        "NRRD0005",
        "type: int16",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {COLUMNS} {ROWS} {SLICES}",
        f"space directions: {axes}",
        "kinds: domain domain domain",
        "endian: little",
        "encoding: raw",
        "space origin: (0,0,0)",
    ]
    return "\n".join(lines).encode() + b"\n\n" + _all_voxels()


def _meta_image() -> bytes:
    lines = [
        "ObjectType = Image",
        "NDims = 3",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        "CompressedData = False",
        "TransformMatrix = 1 0 0 0 1 0 0 0 1",
        "Offset = 0 0 0",
        f"ElementSpacing = {SPACING_TEXT} {SPACING_TEXT} {SPACING_TEXT}",
        f"DimSize = {COLUMNS} {ROWS} {SLICES}",
        "ElementType = MET_SHORT",
        "ElementDataFile = LOCAL",
    ]
    return "\n".join(lines).encode() + b"\n" + _all_voxels()


def _vtk_image() -> bytes:
    extent = f"0 {COLUMNS - 1} 0 {ROWS - 1} 0 {SLICES - 1}"
    voxels = _all_voxels()
    packed = base64.b64encode(struct.pack("<Q", len(voxels)) + voxels).decode()
    spacing = " ".join([SPACING_TEXT] * 3)
    return f"""<?xml version="1.0"?>
<VTKFile type="ImageData" version="1.0" byte_order="LittleEndian" header_type="UInt64">
  <ImageData WholeExtent="{extent}" Origin="0 0 0" Spacing="{spacing}" Direction="1 0 0 0 1 0 0 0 1">
    <Piece Extent="{extent}">
      <PointData Scalars="values">
        <DataArray type="Int16" Name="values" format="binary">{packed}</DataArray>
      </PointData>
    </Piece>
  </ImageData>
</VTKFile>
""".encode()


SPACING_TEXT = f"{SPACING_MM:g}"

CORNERS = [
    tuple(SURFACE_RADIUS_MM * sign if axis == place else 0.0 for axis in range(3))
    for place in range(3)
    for sign in (1, -1)
]
"""Of an octahedron: +x -x +y -y +z -z."""

TRIANGLES = [(0, 2, 4), (2, 1, 4), (1, 3, 4), (3, 0, 4), (2, 0, 5), (1, 2, 5), (3, 1, 5), (0, 3, 5)]
"""Outwards."""


def _stl() -> bytes:
    packed = (
        struct.pack("<12fH", 0, 0, 0, *(number for corner in each for number in CORNERS[corner]), 0)
        for each in TRIANGLES
    )
    return b"surface".ljust(80) + struct.pack("<I", len(TRIANGLES)) + b"".join(packed)


def _ply() -> bytes:
    head = ["ply", "format ascii 1.0", f"element vertex {len(CORNERS)}", "property float x", "property float y"]
    head += [
        "property float z",
        f"element face {len(TRIANGLES)}",
        "property list uchar int vertex_indices",
        "end_header",
    ]
    corners = [" ".join(f"{number:g}" for number in corner) for corner in CORNERS]
    return "\n".join([*head, *corners, *(f"3 {a} {b} {c}" for a, b, c in TRIANGLES), ""]).encode()


def _obj(material: str = "") -> bytes:
    corners = [f"v {x:g} {y:g} {z:g}" for x, y, z in CORNERS]
    return "\n".join([material, *corners, *(f"f {a + 1} {b + 1} {c + 1}" for a, b, c in TRIANGLES), ""]).encode()


def _obj_zip() -> bytes:
    """A mesh with its material."""
    material = b"newmtl enamel\nKd 0.9 0.9 0.8\n"
    return _zip({"scan.obj": _obj("mtllib scan.mtl\nusemtl enamel"), "scan.mtl": material})


def _zip(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


VOLUME_WRITERS: dict[str, Callable[[], bytes]] = {
    ".dcm": _dicom_file,
    ".zip": _dicom_zip,
    ".nii": _nifti,
    ".nrrd": _nrrd,
    ".vti": _vtk_image,
    ".mha": _meta_image,
}
SURFACE_WRITERS: dict[str, Callable[[], bytes]] = {".stl": _stl, ".ply": _ply, ".obj": _obj, ".zip": _obj_zip}
