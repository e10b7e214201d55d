"""DICOM SEG, read back by highdicom."""

from pathlib import Path

import highdicom
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from tests.makers import scans

from gnathos.anatomy import STRUCTURES
from gnathos.dicom import Segment, read_dicom_series, write_dicom_segmentation
from gnathos.imaging import Volume

SOURCES = {
    "series": scans.series,
    "enhanced": scans.enhanced,
    "legacy multi-frame": scans.legacy_multiframe,
}


def whole(name: str, mask: npt.NDArray[np.bool_]) -> Segment:
    return Segment(STRUCTURES[name], (slice(0, mask.shape[0]), slice(0, mask.shape[1]), slice(0, mask.shape[2])), mask)


def two_segments(volume: Volume) -> list[Segment]:
    """A block that fills no whole bytes, and a tooth on a part of the grid, which overlap."""
    bone = np.zeros(volume.shape, np.bool_)
    bone[2:9, 3:17, 5:20] = volume.voxels[2:9, 3:17, 5:20] > -600
    tooth = np.zeros((3, 4, 5), np.bool_)
    tooth[0:2, 1:, 1:4] = True
    return [whole("mandible", bone), Segment(STRUCTURES["tooth36"], (slice(4, 7), slice(6, 10), slice(8, 13)), tooth)]


def frame_uids(dataset: pydicom.Dataset) -> list[str]:
    return [
        str(group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID)
        for group in dataset.PerFrameFunctionalGroupsSequence
    ]


@pytest.mark.parametrize("kind", SOURCES)
def test_every_voxel_comes_back_at_its_place(kind: str, tmp_path: Path) -> None:
    volume, source = read_dicom_series(SOURCES[kind](tmp_path))
    segments = two_segments(volume)
    write_dicom_segmentation(volume, segments, source, tmp_path / "seg.dcm", "Gnathos test")

    read = highdicom.seg.segread(tmp_path / "seg.dcm")
    for number, segment in enumerate(segments, 1):
        back = read.get_volume(segment_numbers=[number], combine_segments=False)
        places = np.argwhere(np.asarray(back.array)[..., 0] > 0) @ back.affine[:3, :3].T + back.affine[:3, 3]
        starts = [part.start for part in segment.window]
        expected = volume.points_lps_mm(np.argwhere(segment.mask) + starts)

        assert len(places) == len(expected)
        order, expected_order = (np.lexsort(each.round(3).T) for each in (places, expected))
        np.testing.assert_allclose(places[order], expected[expected_order], atol=1e-4)


def test_each_frame_names_the_slice_that_it_lies_on(tmp_path: Path) -> None:
    folder = scans.series(tmp_path)
    volume, source = read_dicom_series(folder)
    write_dicom_segmentation(volume, two_segments(volume), source, tmp_path / "seg.dcm", "Gnathos test")

    slices = {str(each.SOPInstanceUID): each for each in map(pydicom.dcmread, sorted(folder.glob("*")))}
    dataset = pydicom.dcmread(tmp_path / "seg.dcm")

    for uid, group in zip(frame_uids(dataset), dataset.PerFrameFunctionalGroupsSequence, strict=True):
        place = group.PlanePositionSequence[0].ImagePositionPatient
        np.testing.assert_allclose(place, slices[uid].ImagePositionPatient, atol=1e-4)
    assert dataset.StudyInstanceUID == next(iter(slices.values())).StudyInstanceUID
    assert str(dataset.ReferencedSeriesSequence[0].SeriesInstanceUID) == source.series_uid
    assert {
        str(each.ReferencedSOPInstanceUID) for each in dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    } == set(slices)


def test_a_file_of_frames_is_referenced_by_frame_number(tmp_path: Path) -> None:
    volume, source = read_dicom_series(scans.enhanced(tmp_path))
    write_dicom_segmentation(volume, two_segments(volume), source, tmp_path / "seg.dcm", "Gnathos test")

    groups = pydicom.dcmread(tmp_path / "seg.dcm").PerFrameFunctionalGroupsSequence
    numbers = [group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber for group in groups]

    assert numbers == [*range(3, 10), 5, 6]


def test_a_tooth_carries_its_codes(tmp_path: Path) -> None:
    volume, source = read_dicom_series(scans.series(tmp_path))
    write_dicom_segmentation(volume, two_segments(volume), source, tmp_path / "seg.dcm", "Gnathos test")

    tooth = pydicom.dcmread(tmp_path / "seg.dcm").SegmentSequence[1]
    (kind,) = tooth.SegmentedPropertyTypeCodeSequence

    assert (kind.CodeValue, kind.CodingSchemeDesignator) == ("866006002", "SCT")
    assert kind.EquivalentCodeSequence[0].CodeValue == "36"
    assert tooth.SegmentLabel == "tooth36"


def test_the_same_segments_give_the_same_bytes_whatever_the_order_of_the_files(tmp_path: Path) -> None:
    written = []
    for name, step in (("first", 1), ("second", -1)):
        folder = scans.series(tmp_path / name)
        for number, path in enumerate(sorted(folder.glob("*"))[::step]):
            path.rename(path.with_name(f"z{number:03}"))
        volume, source = read_dicom_series(folder)
        write_dicom_segmentation(volume, two_segments(volume), source, tmp_path / name / "seg.dcm", "Gnathos test")
        written.append((tmp_path / name / "seg.dcm").read_bytes())

    assert written[0] == written[1]


def uneven_series(folder: Path) -> int:
    """Slices 0.5 mm apart, then 0.7 mm; how many."""
    made = scans.small_volume()
    x, y, z = made.affine_lps[:3, 3]
    heights = [*np.arange(6) * 0.5, *(2.5 + np.arange(1, 7) * 0.7)]
    for index, height in enumerate(heights):
        place = [f"{each:.8g}" for each in (x, y, z + height)]
        dataset = scans.slice_dataset(made, index, ImagePositionPatient=place, SliceThickness="0.7")
        scans.save(dataset, folder / f"{index}")
    return len(heights)


def test_interpolated_slices_reference_the_series_and_no_image(tmp_path: Path) -> None:
    count = uneven_series(tmp_path / "series")
    volume, source = read_dicom_series(tmp_path / "series")
    write_dicom_segmentation(volume, two_segments(volume), source, tmp_path / "seg.dcm", "Gnathos test")

    dataset = pydicom.dcmread(tmp_path / "seg.dcm")
    (series,) = dataset.ReferencedSeriesSequence

    assert len(series.ReferencedInstanceSequence) == count
    assert all("DerivationImageSequence" not in group for group in dataset.PerFrameFunctionalGroupsSequence)


def test_a_scan_that_was_no_dicom_is_written_without_references(tmp_path: Path) -> None:
    volume = scans.small_volume()
    write_dicom_segmentation(volume, two_segments(volume), None, tmp_path / "seg.dcm", "Gnathos test")

    dataset = pydicom.dcmread(tmp_path / "seg.dcm")

    assert "ReferencedSeriesSequence" not in dataset
    assert dataset.PatientName == ""


def test_whose_series_it_is_shows_in_no_repr(tmp_path: Path) -> None:
    folder = scans.series(tmp_path)
    _, source = read_dicom_series(folder)
    dataset = pydicom.dcmread(next(folder.glob("*")))

    assert source.patient_and_study["PatientID"] == str(dataset.PatientID)
    for secret in (dataset.PatientName, dataset.PatientID, dataset.StudyInstanceUID, dataset.SOPInstanceUID):
        assert str(secret) not in repr(source) + repr(source.slices[0])


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        (b"1.2.3\x00", b"x.\xff.3\x00"),
        (b"Doe^Jane", b"D\xffe^\x00\xfe\x80e"),
        (b"SECRET-1", b"\\\\\xff\xfe\\-1\\"),
    ],
    ids=["UID", "name", "patient's number"],
)
def test_damaged_identifiers_do_no_harm_and_are_not_quoted(
    there: bytes, instead: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = scans.series(tmp_path)
    for path in folder.glob("*"):
        path.write_bytes(path.read_bytes().replace(there, instead))
    volume, source = read_dicom_series(folder)
    write_dicom_segmentation(volume, two_segments(volume), source, tmp_path / "seg.dcm", "Gnathos test")

    assert pydicom.dcmread(tmp_path / "seg.dcm").StudyInstanceUID.is_valid
    assert capfd.readouterr() == ("", "")
