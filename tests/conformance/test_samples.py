"""The files that the suite sends, read by others' libraries."""

import gzip
import io
import zipfile

import nibabel as nib
import nrrd
import numpy as np
import pydicom
import pytest
import SimpleITK
import trimesh

from gnathos.conformance import samples
from gnathos.conformance.meshes import open_edges, require_format, triangle_count
from gnathos.conformance.verdicts import Broken
from gnathos.imaging.limits import Limits
from gnathos.pipeline.read import read_scan

SHAPE = (samples.SLICES, samples.ROWS, samples.COLUMNS)


@pytest.fixture
def expected() -> np.ndarray:
    return np.frombuffer(b"".join(map(samples._voxels, range(samples.SLICES))), "<i2").reshape(SHAPE)


def test_the_dicom_file(expected) -> None:
    dataset = pydicom.dcmread(io.BytesIO(samples.volume(".dcm").content))

    assert (dataset.pixel_array == expected).all()
    assert list(dataset.PixelSpacing) == [samples.SPACING_MM] * 2


def test_the_slices(expected) -> None:
    with zipfile.ZipFile(io.BytesIO(samples.volume(".zip").content)) as archive:
        slices = [pydicom.dcmread(io.BytesIO(archive.read(name))) for name in archive.namelist()]

    slices.sort(key=lambda each: each.ImagePositionPatient[2])
    assert (np.array([each.pixel_array for each in slices]) == expected).all()
    assert len({each.SOPInstanceUID for each in slices}) == samples.SLICES


def test_the_nifti_file(expected) -> None:
    image = nib.Nifti1Image.from_bytes(samples.volume(".nii").content)

    assert (np.asarray(image.dataobj).transpose() == expected).all()
    assert nib.aff2axcodes(image.affine) == ("L", "P", "S")


def test_the_nrrd_file(expected, tmp_path) -> None:
    (tmp_path / "a.nrrd").write_bytes(samples.volume(".nrrd").content)

    voxels, header = nrrd.read(str(tmp_path / "a.nrrd"))

    assert (voxels.transpose() == expected).all()
    assert (header["space directions"] == np.eye(3) * samples.SPACING_MM).all()


def test_the_meta_image(expected, tmp_path) -> None:
    (tmp_path / "a.mha").write_bytes(samples.volume(".mha").content)

    assert (SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(tmp_path / "a.mha")) == expected).all()


@pytest.mark.parametrize("extension", samples.VOLUME_WRITERS)
def test_the_engine_reads_the_same_from_all(extension: str, expected, tmp_path) -> None:
    path = tmp_path / f"scan{extension}.gz"
    path.write_bytes(samples.volume(f"{extension}.gz").content)

    volume = read_scan(path, f"{extension}.gz", Limits()).volume

    assert (volume.voxels == expected).all()
    assert np.allclose(volume.spacing_mm, samples.SPACING_MM)


@pytest.mark.parametrize("extension", [".stl", ".ply", ".obj"])
def test_the_surfaces(extension: str) -> None:
    mesh = trimesh.load(io.BytesIO(samples.surface(extension).content), file_type=extension[1:], process=True)

    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(4 / 3 * samples.SURFACE_RADIUS_MM**3)


def test_compressed_files_are_the_same_each_time() -> None:
    assert samples.volume(".nii.gz") == samples.volume(".nii.gz")
    assert gzip.decompress(samples.volume(".nii.gz").content) == samples.volume(".nii").content


def test_open_edges_are_counted() -> None:
    stl = samples.surface(".stl").content
    assert (triangle_count(stl), open_edges(stl)) == (8, 0)

    one_less = stl[:80] + (7).to_bytes(4, "little") + stl[84:-50]

    assert open_edges(one_less) == 3


@pytest.mark.parametrize(
    ("content", "extension"), [(b"x" * 200, ".stl"), (b"solid", ".stl"), (b"x", ".ply"), (b"x", ".obj")]
)
def test_what_is_no_mesh(content: bytes, extension: str) -> None:
    with pytest.raises(Broken):
        require_format(content, extension)
