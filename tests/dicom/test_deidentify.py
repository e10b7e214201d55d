"""A scan without whose it is: the same volume, and nothing else of the patient."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from tests.makers import scans

from gnathos.dicom import read_dicom, read_dicom_series
from gnathos.dicom.deidentify import deidentify
from gnathos.errors import FormatNotRecognised
from gnathos.imaging.limits import Limits

SYNTAXES = {uid.name: uid for uid in (*scans.UNCOMPRESSED, *scans.ENCODERS)}
SECRETS = (b"Doe", b"SECRET", b"19700101", b"Hospital", b"a private note", b"Tooth ache", b"hidden")


def say_much(dataset: Dataset) -> None:
    """Names where they are usual and where they are not."""
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = "Doe^Jane", "SECRET-1", "19700101"
    dataset.InstitutionName, dataset.StudyDescription = "Hospital of the Doe", "Tooth ache of SECRET-1"
    dataset.ImagePresentationComments = "Doe"
    dataset.private_block(0x0099, "Hospital", create=True).add_new(1, "LO", "a private note")
    item = Dataset()
    item.PatientName = "Doe^Jane"
    dataset.OtherPatientIDsSequence = [item]
    for group in dataset.get("PerFrameFunctionalGroupsSequence", ()):
        group.FrameContentSequence = [Dataset()]
        group.FrameContentSequence[0].FrameComments = "Doe"
    dataset.preamble = b"hidden".ljust(128, b"\0")


def talkative(path: Path) -> Path:
    dataset = dcmread(path)
    say_much(dataset)
    dataset.save_as(path)
    return path


def assert_same_volume(one: Path, other: Path) -> None:
    expected, found = read_dicom(one), read_dicom(other)
    np.testing.assert_array_equal(found.voxels, expected.voxels)
    np.testing.assert_array_equal(found.affine_lps, expected.affine_lps)
    assert found.is_hu == expected.is_hu
    assert found.frame_of_reference_uid == expected.frame_of_reference_uid


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_only_the_volume_is_left_of_a_file(tmp_path: Path, syntax: str) -> None:
    made = scans.small_volume()
    path = scans.legacy_multiframe(tmp_path, made)
    dataset = dcmread(path)
    say_much(dataset)
    scans.save(scans.compressed(dataset, SYNTAXES[syntax], made.voxels), path)
    assert b"Doe" in path.read_bytes() or "Deflated" in syntax

    deidentify(path, tmp_path / "clean", Limits())

    content = (tmp_path / "clean").read_bytes()
    assert [secret for secret in SECRETS if secret in content] == []
    assert_same_volume(path, tmp_path / "clean")


def test_an_enhanced_file_keeps_what_it_is_referred_to_by(tmp_path: Path) -> None:
    path = talkative(scans.enhanced(tmp_path))

    deidentify(path, tmp_path / "clean", Limits())

    content = (tmp_path / "clean").read_bytes()
    assert [secret for secret in SECRETS if secret in content] == []
    before, after = dcmread(path), dcmread(tmp_path / "clean")
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert after[keyword].value == before[keyword].value
    assert (after.PatientName, after.PatientID, after.PatientIdentityRemoved) == ("", "", "YES")
    assert "UIDs retained" in list(after.DeidentificationMethod)
    assert_same_volume(path, tmp_path / "clean")


def test_a_zip_loses_the_names_of_its_files_and_what_is_no_dicom(tmp_path: Path) -> None:
    folder = scans.series(tmp_path / "Doe^Jane")
    for path in folder.rglob("*"):
        if path.is_file():
            talkative(path)
    (folder / "readme Doe.txt").write_text("SECRET")
    packed = scans.zipped(folder)

    deidentify(packed, tmp_path / "clean.zip", Limits())

    with zipfile.ZipFile(tmp_path / "clean.zip") as archive:
        names = archive.namelist()
        content = b"".join(archive.read(name) for name in names)
        (source,) = {dcmread(io.BytesIO(archive.read(name))).SeriesInstanceUID for name in names}
    assert names == [f"{number:05}.dcm" for number in range(1, scans.small_volume().shape[0] + 1)]
    assert [secret for secret in SECRETS if secret in content + "".join(names).encode()] == []
    assert_same_volume(packed, tmp_path / "clean.zip")
    _, series = read_dicom_series(tmp_path / "clean.zip", Limits())
    assert series.series_uid == source
    assert series.patient_and_study["PatientName"] == ""


def test_what_is_no_dicom_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatNotRecognised):
        deidentify(scans.not_dicom(tmp_path), tmp_path / "clean", Limits())
