"""A folder of slices is one file to an engine."""

import zipfile
from pathlib import Path

import pytest

from gnathos.anatomy import INPUT_EXTENSIONS
from gnathos.client.slices import SCAN_EXTENSIONS, extension_of, zip_folder
from gnathos.errors import ScanIsEmpty


def make_folder(folder: Path, names: list[str]) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def test_a_folder_gives_the_same_bytes_each_time_and_holds_every_file(tmp_path: Path) -> None:
    one = make_folder(tmp_path / "one", ["b.dcm", "a/c.dcm"])
    other = make_folder(tmp_path / "other", ["a/c.dcm", "b.dcm"])
    for folder in (one, other):
        zip_folder(folder, folder.with_suffix(".zip"))

    assert one.with_suffix(".zip").read_bytes() == other.with_suffix(".zip").read_bytes()
    with zipfile.ZipFile(one.with_suffix(".zip")) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"a/c.dcm": b"a/c.dcm", "b.dcm": b"b.dcm"}


def test_an_empty_folder_is_no_scan(tmp_path: Path) -> None:
    with pytest.raises(ScanIsEmpty, match="no files"):
        zip_folder(tmp_path, tmp_path / "slices.zip")


def test_the_extensions_are_those_that_the_engine_takes() -> None:
    assert {extension.removesuffix(".gz") for extension in INPUT_EXTENSIONS["cbct"]} == SCAN_EXTENSIONS


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.dcm", ".dcm"),
        ("a.NII.GZ", ".nii.gz"),
        ("1.2.840.dcm", ".dcm"),
        ("IM0001", ".dcm"),
        ("1.2.840.113", ".dcm"),
        ("a.dcm.gz", ".dcm.gz"),
        ("a.zip", ".zip"),
    ],
)
def test_the_extension_is_the_files_own(name: str, expected: str) -> None:
    assert extension_of(Path(name)) == expected
