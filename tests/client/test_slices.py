"""A folder of slices is one file to an engine."""

import zipfile
from pathlib import Path

import pytest

from gnathos.client.slices import extension_of, one_file
from gnathos.errors import ScanError, ScanIsEmpty


def make_folder(folder: Path, names: list[str]) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def test_a_folder_gives_the_same_bytes_each_time_and_holds_every_file(tmp_path: Path) -> None:
    one = make_folder(tmp_path / "one", ["b.dcm", "a/c.dcm"])
    other = make_folder(tmp_path / "other", ["a/c.dcm", "b.dcm"])
    with one_file(one) as first, one_file(other) as second:
        assert first.read_bytes() == second.read_bytes()
        with zipfile.ZipFile(first) as archive:
            assert {name: archive.read(name) for name in archive.namelist()} == {
                "a/c.dcm": b"a/c.dcm",
                "b.dcm": b"b.dcm",
            }
        kept = first
    assert not kept.exists()


def test_a_file_is_sent_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "scan.dcm").touch()
    with one_file(tmp_path / "scan.dcm") as file:
        assert file == tmp_path / "scan.dcm"


def test_what_is_not_there_and_what_is_empty_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="no such file"), one_file(tmp_path / "nothing"):
        pass
    with pytest.raises(ScanIsEmpty, match="no files"), one_file(tmp_path):
        pass


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
