"""Encapsulated STL, and what an independent checker says of all DICOM that is made from a scan."""

import io
from pathlib import Path

import pydicom
import pytest
import trimesh
from pydicom.uid import EncapsulatedSTLStorage
from tests.dicom.test_segmentation_write import SOURCES, two_segments
from tests.makers import scans
from tests.makers.cases import ball_case
from tests.makers.judges import dicom_errors

from gnathos.dicom import read_dicom_series, write_dicom_segmentation
from gnathos.pipeline import OutputFile
from gnathos.pipeline.outputs import make_output

WANTED = OutputFile("dicomMeshes", ".dcm", ("mandible", "tooth36"), 0, ("left_nerve",))


def made(folder: Path, source_folder: Path | None = None) -> Path:
    source = read_dicom_series(source_folder)[1] if source_folder else None
    result = make_output(WANTED, ball_case(folder, source=source))
    assert result.status == "Available"
    return folder / str(result.path)


def test_the_mesh_inside_is_the_one_that_is_delivered_as_stl(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(made(tmp_path))
    plain = make_output(OutputFile("meshes", ".stl", WANTED.structures, 1, WANTED.exclude), ball_case(tmp_path))

    stl = dataset.EncapsulatedDocument[: dataset.EncapsulatedDocumentLength]

    assert stl == (tmp_path / str(plain.path)).read_bytes()
    assert trimesh.load(io.BytesIO(stl), file_type="stl").is_volume
    assert dataset.SOPClassUID == EncapsulatedSTLStorage
    assert dataset.MeasurementUnitsCodeSequence[0].CodeValue == "mm"


def test_it_belongs_to_the_patient_and_names_the_images(tmp_path: Path) -> None:
    folder = scans.series(tmp_path, PatientName="Sørensen^Łucja", SpecificCharacterSet="ISO_IR 192")
    dataset = pydicom.dcmread(made(tmp_path, folder))

    images = {str(pydicom.dcmread(each).SOPInstanceUID) for each in folder.glob("*")}

    assert {str(each.ReferencedSOPInstanceUID) for each in dataset.SourceInstanceSequence} == images
    assert str(dataset.PatientName) == "Sørensen^Łucja"
    assert (dataset.StudyInstanceUID, dataset.FrameOfReferenceUID) == ("1.2.3", "1.2.9")
    assert b"rensen" not in dataset.EncapsulatedDocument


def test_the_same_mesh_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = scans.series(tmp_path)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()

    assert made(tmp_path / "first", folder).read_bytes() == made(tmp_path / "second", folder).read_bytes()


@pytest.mark.parametrize("kind", SOURCES)
def test_the_checker_of_dicom_finds_no_error(kind: str, tmp_path: Path) -> None:
    given = SOURCES[kind](tmp_path)
    volume, source = read_dicom_series(given)
    write_dicom_segmentation(volume, two_segments(volume), source, tmp_path / "seg.dcm", "Gnathos test")

    # A CT image of several frames is itself against the standard; which frame a segment lies on is told all the same.
    segmentation_errors = [line for line in dicom_errors(tmp_path / "seg.dcm") if "<ReferencedFrameNumber>" not in line]

    assert dicom_errors(made(tmp_path, given)) == []
    assert segmentation_errors == []


def test_the_checker_finds_no_error_where_the_scan_was_no_dicom(tmp_path: Path) -> None:
    assert dicom_errors(made(tmp_path)) == []
