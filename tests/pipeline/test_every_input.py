"""Every input of the contract, however its extension is written: read as it is, and gzipped."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import SimpleITK
from tests.makers import scans
from tests.makers import surfaces as meshes

from gnathos.anatomy import INPUT_EXTENSIONS
from gnathos.errors import ScanError
from gnathos.imaging.nifti_write import write_nifti
from gnathos.imaging.nrrd_write import write_nrrd
from gnathos.pipeline.check import check_input

SPELLINGS: dict[str, Callable[[str], str]] = {
    "with a dot": str,
    "without a dot": lambda extension: extension.removeprefix("."),
    "in capitals": str.upper,
    "mixed, without a dot": lambda extension: extension.removeprefix(".").title(),
}
VTI = b"""<?xml version="1.0"?><VTKFile type="ImageData" byte_order="LittleEndian"><ImageData WholeExtent="0 3 0 2 0 1"
 Origin="0 0 0" Spacing="1 1 1"><Piece Extent="0 3 0 2 0 1"><PointData Scalars="gray">
 <DataArray type="Int16" Name="gray"
 format="ascii">%s</DataArray></PointData></Piece></ImageData></VTKFile>""" % b" ".join(b"%d" % n for n in range(24))


def nifti(folder: Path) -> bytes:
    write_nifti(scans.small_volume(), folder / "scan.nii")
    return (folder / "scan.nii").read_bytes()


def nrrd(folder: Path) -> bytes:
    write_nrrd(scans.small_volume(), folder / "scan.nrrd")
    return (folder / "scan.nrrd").read_bytes()


def mha(folder: Path) -> bytes:
    image = SimpleITK.GetImageFromArray(scans.small_volume().voxels)
    SimpleITK.WriteImage(image, str(folder / "scan.mha"))
    return (folder / "scan.mha").read_bytes()


MAKERS: dict[tuple[bool, str], Callable[[Path], bytes]] = {
    (True, ".dcm"): lambda folder: scans.enhanced(folder).read_bytes(),
    (True, ".zip"): lambda folder: scans.good_zip(folder).read_bytes(),
    (True, ".nii"): nifti,
    (True, ".nrrd"): nrrd,
    (True, ".vti"): lambda _: VTI,
    (True, ".mha"): mha,
    (False, ".stl"): lambda _: meshes.binary_stl(),
    (False, ".ply"): lambda _: meshes.ply(),
    (False, ".obj"): lambda _: meshes.obj(),
    (False, ".zip"): lambda _: meshes.zipped(
        **{"scan/jaw.obj": meshes.obj(), "scan/jaw.mtl": b"newmtl a\nmap_Kd jaw.png\n", "scan/jaw.png": b"\x89PNG"}
    ),
}
"""By whether it is a volume, and extension: a mesh may come zipped with its material and texture."""
ALL = [(key, extension) for key, extensions in INPUT_EXTENSIONS.items() for extension in extensions]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(("key", "extension"), ALL)
def test_it_is_taken_plain_and_gzipped(key: str, extension: str, spelling: str, tmp_path: Path) -> None:
    content = MAKERS[key == "cbct", extension](tmp_path)
    for packed, ending in ((content, extension), (gzip.compress(content), f"{extension}.gz")):
        (tmp_path / "upload").write_bytes(packed)

        check_input(tmp_path / "upload", SPELLINGS[spelling](ending), key)


@pytest.mark.parametrize(("key", "extension"), ALL)
def test_a_picture_is_named_whatever_it_was_announced_as(key: str, extension: str, tmp_path: Path) -> None:
    (tmp_path / "upload").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))

    with pytest.raises(ScanError, match="a PNG picture") as caught:
        check_input(tmp_path / "upload", extension, key)

    assert all(known in caught.value.advice for known in INPUT_EXTENSIONS[key])
