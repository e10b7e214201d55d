"""The receiving check names what a file is instead of what it was said to be."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.makers import scans
from tests.makers import surfaces as meshes

from gnathos.errors import ScanError
from gnathos.imaging.nifti_write import write_nifti
from gnathos.imaging.nrrd_write import write_nrrd
from gnathos.pipeline.check import UNREADABLE, check_input


def nifti(folder: Path) -> Path:
    write_nifti(scans.small_volume(), folder / "scan.nii")
    return folder / "scan.nii"


def nrrd(folder: Path) -> Path:
    write_nrrd(scans.small_volume(), folder / "scan.nrrd")
    return folder / "scan.nrrd"


def gzipped(path: Path) -> Path:
    packed = path.with_name("packed")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    return packed


def written(folder: Path, content: bytes) -> Path:
    (folder / "file").write_bytes(content)
    return folder / "file"


GOOD = {
    "one DICOM file": (scans.enhanced, ".dcm", "cbct"),
    "a gzipped DICOM file": (lambda folder: gzipped(scans.enhanced(folder)), "dcm.gz", "cbct"),
    "a zip of slices": (scans.good_zip, ".zip", "cbct"),
    "a gzipped zip": (lambda folder: gzipped(scans.good_zip(folder)), ".ZIP.gz", "cbct"),
    "a zip of slices announced as DICOM": (scans.good_zip, ".dcm", "cbct"),
    "NIfTI": (nifti, ".nii", "cbct"),
    "NIfTI announced as gzipped": (nifti, ".nii.gz", "cbct"),
    "NRRD": (nrrd, "nrrd", "cbct"),
    "STL": (lambda folder: written(folder, meshes.binary_stl()), ".stl", "ios_upper"),
    "OBJ": (lambda folder: written(folder, meshes.obj()), ".obj", "facial"),
    "a zipped mesh": (lambda folder: written(folder, meshes.zipped(**{"a.ply": meshes.ply()})), ".zip", "ios_lower"),
}

BAD = {
    "NIfTI as DICOM": (nifti, ".dcm", "cbct", "but it is NIfTI"),
    "DICOM as NIfTI": (scans.enhanced, ".nii", "cbct", "but it is DICOM"),
    "gzipped NRRD as NIfTI": (lambda folder: gzipped(nrrd(folder)), ".nii.gz", "cbct", "but it is NRRD"),
    "a web page as DICOM": (
        lambda folder: written(folder, b"<!doctype html><html>"),
        ".dcm",
        "cbct",
        "a web page",
    ),
    "a PDF as a zip": (lambda folder: written(folder, b"%PDF-1.7 ..."), ".zip", "cbct", "a PDF document"),
    "a mesh as a scan": (lambda folder: written(folder, meshes.ply()), ".zip", "cbct", "a PLY mesh"),
    "a scan as a mesh": (scans.enhanced, ".stl", "ios_upper", "but it is DICOM"),
    "a letter": (scans.not_dicom, ".dcm", "cbct", "not DICOM"),
    "an empty file": (scans.empty, ".dcm", "cbct", "empty"),
    "a DICOM file cut short": (scans.truncated, ".dcm", "cbct", "ends before"),
    "a series with a hole": (lambda folder: scans.zipped(scans.series_with_gap(folder)), ".zip", "cbct", "missing"),
    "a zip bomb": (scans.zip_bomb, ".zip", "cbct", "times its size"),
    "an X-ray": (scans.xray, ".dcm", "cbct", "no CT volume"),
    "a mesh of nothing": (lambda folder: written(folder, b"solid x\nendsolid x\n"), ".stl", "facial", "no triangles"),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_as_it_was_said_passes(name: str, tmp_path: Path) -> None:
    make, extension, key = GOOD[name]

    check_input(make(tmp_path), extension, key)


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_is_named(name: str, tmp_path: Path) -> None:
    make, extension, key, words = BAD[name]

    with pytest.raises(ScanError, match=words) as caught:
        check_input(make(tmp_path), extension, key)

    for secret in ("Doe", "SECRET", str(tmp_path)):
        assert secret not in caught.value.detail + caught.value.advice


def test_a_child_says_it_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gnathos.pipeline.check"]
    good = subprocess.run([*command, nifti(tmp_path), ".nii"], capture_output=True, text=True, check=True)
    bad = subprocess.run([*command, nifti(tmp_path), ".dcm"], capture_output=True, text=True, check=False)

    assert json.loads(good.stdout) == {"ok": True}
    assert bad.returncode == UNREADABLE
    assert json.loads(bad.stdout)["error"]["code"] == "format_not_recognised"
    assert bad.stderr == ""
