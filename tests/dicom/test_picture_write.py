"""Secondary Capture images that are made from a scan."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from tests.dicom.test_segmentation_write import SOURCES
from tests.makers.judges import dicom_errors

from gnathos.dicom import DerivedPicture, SourceSeries, read_dicom_series, write_dicom_picture


def written(path: Path, source: SourceSeries | None) -> pydicom.Dataset:
    values = np.arange(-12, 9, dtype=np.int16).reshape(3, 7)
    write_dicom_picture(DerivedPicture(values, 0.3, (-10.0, 5.5), "A ramp.", True), source, "1.2.9", path)
    dataset = pydicom.dcmread(path)
    assert np.array_equal(dataset.pixel_array, values)
    return dataset


@pytest.mark.parametrize("kind", SOURCES)
def test_it_belongs_to_the_patient_and_names_the_images(kind: str, tmp_path: Path) -> None:
    source = read_dicom_series(SOURCES[kind](tmp_path))[1]
    assert source is not None
    dataset = written(tmp_path / "picture.dcm", source)

    assert dicom_errors(tmp_path / "picture.dcm") == []
    assert str(dataset.StudyInstanceUID) == source.patient_and_study["StudyInstanceUID"]
    assert {str(each.ReferencedSOPInstanceUID) for each in dataset.SourceImageSequence} == set(source.instance_uids)
    assert (dataset.WindowCenter, dataset.WindowWidth, dataset.RescaleType) == (-2.25, 15.5, "HU")


def test_a_scan_that_was_no_dicom_gives_one_without_references_and_the_same_each_time(tmp_path: Path) -> None:
    dataset = written(tmp_path / "first.dcm", None)
    written(tmp_path / "second.dcm", None)

    assert dicom_errors(tmp_path / "first.dcm") == []
    assert "SourceImageSequence" not in dataset
    assert (tmp_path / "first.dcm").read_bytes() == (tmp_path / "second.dcm").read_bytes()
