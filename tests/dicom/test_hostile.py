"""What bad input gets: one named error, in a sentence, without patient data, in little time and memory."""

import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.makers import scans

from gnathos.dicom import read_dicom
from gnathos.errors import (
    ArchiveRefused,
    FormatNotRecognised,
    GeometryError,
    NotADicomVolume,
    ScanError,
    ScanIsEmpty,
    ScanIsTruncated,
    ScanTooLarge,
    SeriesHasDuplicates,
    SeriesHasGaps,
    SeriesIsAmbiguous,
    TooFewSlices,
)
from gnathos.imaging.limits import Limits

EXPECTED: dict[Callable[[Path], Path], type[ScanError]] = {
    scans.empty: ScanIsEmpty,
    scans.truncated: ScanIsTruncated,
    scans.not_dicom: FormatNotRecognised,
    scans.random_dicom: FormatNotRecognised,
    scans.xray: NotADicomVolume,
    scans.report: NotADicomVolume,
    scans.single_slice: TooFewSlices,
    scans.series_with_gap: SeriesHasGaps,
    scans.series_with_duplicate: SeriesHasDuplicates,
    scans.two_series_zip: SeriesIsAmbiguous,
    scans.zip_bomb: ArchiveRefused,
    scans.traversing_zip: ArchiveRefused,
    scans.symlinked_zip: ArchiveRefused,
    scans.encrypted_zip: ArchiveRefused,
    scans.nested_zip: ArchiveRefused,
    scans.damaged_zip: ScanIsTruncated,
    scans.huge_declaration: ScanTooLarge,
}


@pytest.mark.parametrize("make", EXPECTED, ids=lambda make: make.__name__)
def test_bad_input_gets_its_own_error(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path)

    with pytest.raises(EXPECTED[make]) as raised:
        read_dicom(path)

    assert type(raised.value) is EXPECTED[make]
    assert raised.value.detail.endswith(".")
    assert not re.search(r"Doe|SECRET|1\.2\.3|tmp", raised.value.detail)


def test_memory_is_not_taken_for_what_is_only_declared(tmp_path: Path) -> None:
    path = scans.legacy_multiframe(tmp_path, NumberOfFrames=900, Rows=1000, Columns=1000)
    tracemalloc.start()

    with pytest.raises(ScanIsTruncated):
        read_dicom(path)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # numpy reserves the declared grid, and the system gives pages only as they are written
    assert peak < 2_100_000_000
    assert _resident_growth_is_small(path)


def _resident_growth_is_small(path: Path) -> bool:
    before = _resident_bytes()
    with pytest.raises(ScanIsTruncated):
        read_dicom(path)
    return _resident_bytes() - before < 50_000_000


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_a_zip_that_unpacks_over_the_limit_is_too_large(tmp_path: Path) -> None:
    with pytest.raises(ScanTooLarge):
        read_dicom(scans.good_zip(tmp_path), Limits(max_unpacked_bytes=10_000))


def test_a_zip_of_too_many_entries_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveRefused, match="17 entries"):
        read_dicom(scans.good_zip(tmp_path), Limits(max_files=10))


def test_a_folder_of_too_many_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveRefused, match="more than 10 files"):
        read_dicom(scans.series(tmp_path), Limits(max_files=10))


def test_a_deflated_bomb_is_stopped(tmp_path: Path) -> None:
    volume = scans.small_volume()
    dataset = scans.slice_dataset(volume, 0)
    dataset.PixelData = b"\0" * 5_000_000
    scans.compressed(dataset, scans.DeflatedExplicitVRLittleEndian, [])

    with pytest.raises(ScanTooLarge):
        read_dicom(scans.save(dataset, tmp_path / "bomb.dcm"), Limits(max_unpacked_bytes=1_000_000))


@pytest.mark.parametrize("make", [scans.enhanced, scans.legacy_multiframe], ids=lambda make: make.__name__)
def test_every_cut_is_a_plain_error(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path)
    content = path.read_bytes()

    for length in range(1, len(content) - 1, len(content) // 60):
        path.write_bytes(content[:length])
        with pytest.raises(ScanError):
            read_dicom(path)


def test_damaged_bytes_are_a_plain_error_or_harmless(tmp_path: Path) -> None:
    path = scans.enhanced(tmp_path)
    content = path.read_bytes()
    random = np.random.default_rng(3)

    for _ in range(150):
        damaged = bytearray(content)
        for place in random.integers(132, 4000, 4):
            damaged[place] = random.integers(256)
        path.write_bytes(damaged)
        try:
            volume = read_dicom(path)
        except ScanError:
            continue
        assert np.isfinite(volume.affine_lps).all()


def test_a_header_that_nests_without_end_is_a_plain_error(tmp_path: Path) -> None:
    path = tmp_path / "deep.dcm"
    preamble = scans.single_slice(tmp_path).read_bytes()[:132]
    sequence = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    path.write_bytes(preamble + sequence * 5000)

    with pytest.raises(ScanError):
        read_dicom(path)


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ({"PixelSpacing": None}, GeometryError),
        ({"PixelSpacing": ["0", "0.3"]}, GeometryError),
        ({"PixelSpacing": ["-0.3", "0.3"]}, GeometryError),
        ({"ImageOrientationPatient": None}, GeometryError),
        ({"ImageOrientationPatient": ["1", "0", "0", "0.6", "0.8", "0"]}, GeometryError),
        ({"ImageOrientationPatient": ["2", "0", "0", "0", "2", "0"]}, GeometryError),
        ({"ImagePositionPatient": None}, GeometryError),
        ({"SamplesPerPixel": 3}, GeometryError),
        ({"BitsStored": 17}, GeometryError),
        ({"Rows": 0}, ScanIsEmpty),
        ({"SpacingBetweenSlices": None, "SliceThickness": None}, GeometryError),
        ({"SpacingBetweenSlices": "0", "SliceThickness": "2"}, GeometryError),
    ],
    ids=str,
)
def test_geometry_that_is_not_whole_is_refused(
    tmp_path: Path, attributes: dict[str, object], error: type[ScanError]
) -> None:
    with pytest.raises(error):
        read_dicom(scans.legacy_multiframe(tmp_path, **attributes))
