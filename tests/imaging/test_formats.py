"""Volume files, with SimpleITK as the judge of places and values."""

import base64
import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - as its own documentation names it
from tests.makers.volumes import CORNERS, itk_image, itk_points

from gnathos.errors import (
    FormatNotRecognised,
    GeometryError,
    ScanError,
    ScanIsEmpty,
    ScanIsTruncated,
    ScanTooLarge,
    UnknownExtension,
)
from gnathos.imaging.formats import VOLUME_EXTENSIONS, read_volume_file
from gnathos.imaging.limits import Limits

WRITTEN = (".nii", ".nii.gz", ".nrrd", ".mha")
DIRECTIONS = {
    "straight": np.eye(3),
    "flipped": np.diag([-1.0, -1.0, 1.0]),
    "mirrored": np.diag([1.0, 1.0, -1.0]),
    "swapped": np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]),
    "oblique": np.linalg.qr(np.array([[2.0, 0.3, -0.2], [0.1, 1.5, 0.4], [0.3, -0.2, 1.1]]))[0],
}


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("extension", WRITTEN)
def test_places_and_values_are_those_that_simpleitk_wrote(tmp_path: Path, extension: str, direction: str) -> None:
    image = itk_image(DIRECTIONS[direction])
    path = tmp_path / f"scan{extension}"
    sitk.WriteImage(image, str(path))

    volume = read_volume_file(path, extension)

    assert volume.voxels.dtype == np.int16
    np.testing.assert_array_equal(volume.voxels, sitk.GetArrayFromImage(image))
    np.testing.assert_allclose(volume.points_lps_mm(CORNERS), itk_points(image, CORNERS), atol=1e-4)


@pytest.mark.parametrize("extension", WRITTEN)
@pytest.mark.parametrize("kind", [sitk.sitkUInt8, sitk.sitkUInt16, sitk.sitkInt32, sitk.sitkFloat32, sitk.sitkFloat64])
def test_every_type_of_value_is_read(tmp_path: Path, extension: str, kind: int) -> None:
    image = sitk.Cast(itk_image(np.eye(3)), kind)
    path = tmp_path / "scan"
    sitk.WriteImage(image, str(path) + extension)

    volume = read_volume_file(Path(str(path) + extension), extension)

    assert volume.voxels.dtype in (np.int16, np.uint16, np.float32)
    np.testing.assert_array_equal(volume.voxels, sitk.GetArrayFromImage(image).astype(np.float32))


@pytest.mark.parametrize("extension", [".nrrd", ".mha"])
def test_compressed_content_is_read(tmp_path: Path, extension: str) -> None:
    image = itk_image(DIRECTIONS["oblique"])
    path = tmp_path / f"scan{extension}"
    sitk.WriteImage(image, str(path), useCompression=True)

    np.testing.assert_array_equal(read_volume_file(path, extension).voxels, sitk.GetArrayFromImage(image))


@pytest.mark.parametrize("extension", WRITTEN)
def test_a_file_that_ends_early_is_truncated(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"scan{extension}"
    sitk.WriteImage(itk_image(np.eye(3)), str(path))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4])

    with pytest.raises(ScanIsTruncated):
        read_volume_file(path, extension)


@pytest.mark.parametrize("extension", VOLUME_EXTENSIONS)
@pytest.mark.parametrize(
    "content", [b"This is not a scan. " * 100, bytes(range(256)) * 20, b"NRRD0004\n", b"\x1f\x8b\x08"]
)
def test_other_content_is_refused(tmp_path: Path, extension: str, content: bytes) -> None:
    path = tmp_path / "scan"
    path.write_bytes(content)

    with pytest.raises((FormatNotRecognised, ScanIsTruncated)):
        read_volume_file(path, extension)


@pytest.mark.parametrize("extension", WRITTEN)
def test_every_cut_of_a_header_is_a_plain_error(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"scan{extension}"
    sitk.WriteImage(itk_image(np.eye(3)), str(path))
    content = path.read_bytes()

    for length in range(1, min(len(content), 420), 7):
        path.write_bytes(content[:length])
        with pytest.raises(ScanError):
            read_volume_file(path, extension)


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "scan"
    path.write_bytes(b"")

    with pytest.raises(ScanIsEmpty):
        read_volume_file(path, ".nii")


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownExtension):
        read_volume_file(tmp_path / "scan", ".png")


@pytest.mark.parametrize("extension", WRITTEN)
def test_the_declared_size_is_checked_before_it_is_allocated(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"scan{extension}"
    sitk.WriteImage(itk_image(np.eye(3)), str(path))

    with pytest.raises(ScanTooLarge):
        read_volume_file(path, extension, Limits(max_voxels=100))


def test_a_gzip_bomb_is_read_only_as_far_as_its_header_says(tmp_path: Path) -> None:
    sitk.WriteImage(itk_image(np.eye(3)), str(tmp_path / "scan.nii"))
    path = tmp_path / "bomb.nii.gz"
    path.write_bytes(gzip.compress((tmp_path / "scan.nii").read_bytes() + b"\0" * 50_000_000))

    assert read_volume_file(path, ".nii.gz").voxels.shape == (7, 6, 5)


def _nifti(slope: float = 1.0, sform: int = 1, shear: float = 0.0, endian: str = "<", version: int = 1) -> bytes:
    """A NIfTI header and 2 × 3 × 4 voxels, made by hand."""
    voxels = np.arange(24, dtype=f"{endian}i2").tobytes()
    rows = [2.0, shear, 0, -10, 0, 3, 0, 20, 0, 0, 4, 5]
    if version == 2:
        header = bytearray(540)
        struct.pack_into(f"{endian}i8shh8q", header, 0, 540, b"n+2\0\r\n\x1a\n", 4, 16, 3, 4, 3, 2, 1, 1, 1, 1)
        struct.pack_into(f"{endian}qdd", header, 168, 544, slope, 7.0)
        struct.pack_into(f"{endian}2i", header, 344, 0, sform)
        struct.pack_into(f"{endian}12d", header, 400, *rows)
        return bytes(header) + b"\0" * 4 + voxels
    header = bytearray(348)
    struct.pack_into(f"{endian}i", header, 0, 348)
    struct.pack_into(f"{endian}8h", header, 40, 3, 4, 3, 2, 1, 1, 1, 1)
    struct.pack_into(f"{endian}2h", header, 70, 4, 16)
    struct.pack_into(f"{endian}3f", header, 108, 352, slope, 7.0)
    struct.pack_into(f"{endian}2h", header, 252, 0, sform)
    struct.pack_into(f"{endian}12f", header, 280, *rows)
    header[344:348] = b"n+1\0"
    return bytes(header) + b"\0" * 4 + voxels


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("endian", ["<", ">"])
def test_nifti_of_both_versions_and_byte_orders(tmp_path: Path, endian: str, version: int) -> None:
    path = tmp_path / "scan.nii"
    path.write_bytes(_nifti(slope=0.5, endian=endian, version=version))

    volume = read_volume_file(path, ".nii")

    np.testing.assert_allclose(volume.voxels, np.arange(24).reshape(2, 3, 4) * 0.5 + 7)
    assert volume.points_lps_mm([[1, 2, 3]])[0].tolist() == [10 - 6, -20 - 6, 5 + 4]


def test_nifti_without_orientation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scan.nii"
    path.write_bytes(_nifti(sform=0))

    with pytest.raises(GeometryError, match="does not say how"):
        read_volume_file(path, ".nii")


def test_a_sheared_nifti_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scan.nii"
    path.write_bytes(_nifti(shear=0.3))

    with pytest.raises(GeometryError, match="sheared"):
        read_volume_file(path, ".nii")


def test_nrrd_in_ras_is_turned(tmp_path: Path) -> None:
    path = tmp_path / "scan.nrrd"
    header = (
        "NRRD0004\n# by hand\ntype: short\ndimension: 3\nspace: right-anterior-superior\nsizes: 4 3 2\n"
        "space directions: (2,0,0) (0,3,0) (0,0,4)\nendian: big\nencoding: raw\nspace origin: (-10,20,5)\n\n"
    )
    path.write_bytes(header.encode() + np.arange(24, dtype=">i2").tobytes())

    volume = read_volume_file(path, ".nrrd")

    np.testing.assert_array_equal(volume.voxels, np.arange(24).reshape(2, 3, 4))
    assert volume.points_lps_mm([[1, 2, 3]])[0].tolist() == [4, -26, 9]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("space: right-anterior-superior\n", ""),
        ("dimension: 3", "dimension: 4"),
        ("encoding: raw", "encoding: bzip2"),
        ("(2,0,0)", "(2,1,0)"),
        ("(2,0,0)", "none"),
        ("(2,0,0)", "(nan,0,0)"),
        ("sizes: 4 3 2", "sizes: 4 3 -2"),
        ("type: short", "type: block"),
        ("endian: big", "data file: /etc/passwd"),
    ],
)
def test_what_cannot_be_read_of_nrrd_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "scan.nrrd"
    header = (
        "NRRD0004\ntype: short\ndimension: 3\nspace: right-anterior-superior\nsizes: 4 3 2\n"
        "space directions: (2,0,0) (0,3,0) (0,0,4)\nendian: big\nencoding: raw\nspace origin: (-10,20,5)\n\n"
    )
    assert old in header
    path.write_bytes(header.replace(old, new).encode() + np.arange(24, dtype=">i2").tobytes())

    with pytest.raises(ScanError):
        read_volume_file(path, ".nrrd")


VOXELS = np.arange(24, dtype="<i2").reshape(2, 3, 4)


def _vti(array: str, appended: bytes = b"", compressor: str = "", extent: str = "1 4 0 2 0 1") -> bytes:
    head = (
        f'<?xml version="1.0"?><VTKFile type="ImageData" byte_order="LittleEndian" header_type="UInt32"{compressor}>'
        f'<ImageData WholeExtent="{extent}" Origin="-10 20 5" Spacing="2 3 4"><Piece Extent="{extent}">'
        f'<PointData Scalars="gray">{array}</PointData></Piece></ImageData>'
    )
    return head.encode() + appended + b"</VTKFile>"


def _compressed_parts(values: bytes) -> tuple[bytes, bytes]:
    blocks = [zlib.compress(values[:32]), zlib.compress(values[32:])]
    return struct.pack("<5I", 2, 32, len(values) - 32, *map(len, blocks)), b"".join(blocks)


def _vti_files() -> dict[str, bytes]:
    values = VOXELS.tobytes()
    array = '<DataArray type="Int16" Name="gray" format="{}"{}>{}</DataArray>'
    packed = struct.pack("<I", len(values)) + values
    sizes, blocks = _compressed_parts(values)
    zlib_name = ' compressor="vtkZLibDataCompressor"'
    offset = array.format("appended", ' offset="0"', "")
    text = base64.b64encode(packed).decode()
    halves = base64.b64encode(sizes).decode() + base64.b64encode(blocks).decode()
    return {
        "ascii": _vti(array.format("ascii", "", " ".join(map(str, VOXELS.ravel())))),
        "binary": _vti(array.format("binary", "", text)),
        "binary zlib": _vti(array.format("binary", "", halves), compressor=zlib_name),
        "raw": _vti(offset, b'<AppendedData encoding="raw">_' + packed + b"</AppendedData>"),
        "raw zlib": _vti(offset, b'<AppendedData encoding="raw">_' + sizes + blocks + b"</AppendedData>", zlib_name),
        "base64": _vti(offset, f'<AppendedData encoding="base64">\n_{text}</AppendedData>'.encode()),
        "base64 zlib": _vti(offset, f'<AppendedData encoding="base64">_{halves}</AppendedData>'.encode(), zlib_name),
    }


@pytest.mark.parametrize("style", _vti_files())
def test_vti_in_every_packing(tmp_path: Path, style: str) -> None:
    path = tmp_path / "scan.vti.gz"
    path.write_bytes(gzip.compress(_vti_files()[style]))

    volume = read_volume_file(path, ".vti.gz")

    np.testing.assert_array_equal(volume.voxels, VOXELS)
    assert volume.points_lps_mm([[1, 2, 3]])[0].tolist() == [-10 + 2 * 4, 20 + 3 * 2, 5 + 4]


@pytest.mark.parametrize("style", [style for style in _vti_files() if style != "ascii"])
def test_a_vti_whose_values_end_early_is_truncated(tmp_path: Path, style: str) -> None:
    content = _vti_files()[style]
    path = tmp_path / "scan.vti"
    end = content.rindex(b"</DataArray>" if style.startswith("binary") else b"</AppendedData>")
    path.write_bytes(content[: end - 16] + content[end:])

    with pytest.raises(ScanError):
        read_volume_file(path, ".vti")


def test_a_vti_with_entities_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scan.vti"
    path.write_bytes(b'<!DOCTYPE lolz [<!ENTITY a "b">]>' + _vti_files()["ascii"])

    with pytest.raises(FormatNotRecognised):
        read_volume_file(path, ".vti")


def test_a_vti_that_declares_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scan.vti"
    path.write_bytes(_vti("", extent="0 99999 0 99999 0 99999"))

    with pytest.raises(ScanTooLarge):
        read_volume_file(path, ".vti")
