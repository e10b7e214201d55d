"""Where voxels lie: known voxels at known places, whatever the order and orientation of the slices."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - as its own documentation names it
from pydicom import dcmread
from scipy.spatial.transform import Rotation
from tests.makers import scans
from tests.shared import shared_path

from gnathos.dicom import read_dicom
from gnathos.errors import GeometryError, SeriesHasDuplicates, SeriesHasGaps, SeriesIsAmbiguous
from gnathos.imaging import Volume

OBLIQUE = Rotation.from_euler("xyz", (20, -15, 40), degrees=True).as_matrix()


def _directions(flips: tuple[int, int, int]) -> np.ndarray:
    """(3, 3) directions of slices, rows, columns; the slices' is row × column or against it."""
    return np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]]) * np.array(flips)


ORIENTATIONS = {
    **{f"flips {flips}": _directions(flips) for flips in product((1, -1), repeat=3)},
    "oblique": OBLIQUE @ _directions((1, 1, 1)),
    "oblique, column cosine negated": OBLIQUE @ _directions((1, -1, 1)),
    "sagittal": np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0]]).T,
    "coronal": np.array([[0, 1, 0], [0, 0, -1], [1, 0, 0]]).T,
}
MAKERS = {"series": scans.series, "zip": lambda *given: scans.zipped(scans.series(*given)), "enhanced": scans.enhanced}


def _assert_same_places(read: Volume, made: Volume) -> None:
    """Every voxel that was made is found at its own place, with its own value."""
    indices = np.argwhere(np.ones(made.shape, bool))
    found = read.indices_at(made.points_lps_mm(indices))
    np.testing.assert_allclose(found, np.rint(found), atol=1e-3)
    places = tuple(np.rint(found).astype(int).T)
    np.testing.assert_array_equal(read.voxels[places], made.voxels.ravel())


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_voxels_lie_where_they_were_put(tmp_path: Path, orientation: str, maker: str) -> None:
    made = scans.turned(scans.small_volume(), ORIENTATIONS[orientation])

    read = read_dicom(MAKERS[maker](tmp_path, made))

    _assert_same_places(read, made)
    assert np.linalg.det(read.affine_lps[:3, :3][:, ::-1]) > 0  # columns, rows, slices: right-handed
    assert read.voxels.dtype == np.int16
    assert read.frame_of_reference_uid is not None


@pytest.mark.parametrize("orientation", ["flips (1, 1, 1)", "oblique"])
def test_simpleitk_agrees_on_an_enhanced_file(tmp_path: Path, orientation: str) -> None:
    path = scans.enhanced(tmp_path, scans.turned(scans.small_volume(), ORIENTATIONS[orientation]))

    read = read_dicom(path)

    judge = sitk.ReadImage(str(path))
    np.testing.assert_array_equal(read.voxels, sitk.GetArrayFromImage(judge))
    for index in ([0, 0, 0], [11, 0, 0], [0, 19, 0], [0, 0, 23], [5, 7, 9]):
        place = judge.TransformIndexToPhysicalPoint(index[::-1])
        np.testing.assert_allclose(read.points_lps_mm([index])[0], place, atol=1e-3)


def test_simpleitk_agrees_on_a_series(tmp_path: Path) -> None:
    folder = scans.series(tmp_path, scans.turned(scans.small_volume(), ORIENTATIONS["oblique"]))

    read = read_dicom(folder)

    judge = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    np.testing.assert_array_equal(read.voxels, sitk.GetArrayFromImage(judge))
    np.testing.assert_allclose(read.points_lps_mm([[0, 0, 0]])[0], judge.GetOrigin(), atol=1e-3)


def test_shuffled_frames_of_an_enhanced_file_are_put_in_order(tmp_path: Path) -> None:
    made = scans.small_volume()
    path = scans.enhanced(tmp_path, made)
    dataset = dcmread(path)
    order = np.random.default_rng(1).permutation(made.shape[0])
    groups = list(dataset.PerFrameFunctionalGroupsSequence)
    dataset.PerFrameFunctionalGroupsSequence = [groups[index] for index in order]
    dataset.PixelData = made.voxels[order].tobytes()
    dataset.save_as(path)

    _assert_same_places(read_dicom(path), made)


def test_a_missing_frame_of_an_enhanced_file_is_a_gap(tmp_path: Path) -> None:
    path = scans.enhanced(tmp_path)
    dataset = dcmread(path)
    del dataset.PerFrameFunctionalGroupsSequence[6]
    dataset.NumberOfFrames = 11
    dataset.PixelData = dataset.PixelData[: 11 * 960]
    dataset.save_as(path)

    with pytest.raises(SeriesHasGaps, match="1 slice is missing"):
        read_dicom(path)


@pytest.mark.parametrize("missing", [[1], [5], [10], [4, 5], [2, 7], [3, 4, 8]])
def test_missing_slices_are_counted(tmp_path: Path, missing: list[int]) -> None:
    folder = scans.series(tmp_path, indices=[index for index in range(12) if index not in missing])

    with pytest.raises(SeriesHasGaps, match=f"{len(missing)} slice"):
        read_dicom(folder)


def test_a_slice_at_another_one_is_a_duplicate(tmp_path: Path) -> None:
    folder = scans.series(tmp_path)
    made = scans.small_volume()
    place = [f"{each:.8g}" for each in made.points_lps_mm([[5.004, 0, 0]])[0]]
    scans.save(scans.slice_dataset(made, 6, ImagePositionPatient=place), folder / "another")

    with pytest.raises(SeriesHasDuplicates):
        read_dicom(folder)


def test_rounded_positions_are_even(tmp_path: Path) -> None:
    made = scans.small_volume()
    for index in range(made.shape[0]):
        place = [f"{each:.1f}" for each in made.points_lps_mm([[index, 0, 0]])[0]]
        scans.save(scans.slice_dataset(made, index, ImagePositionPatient=place), tmp_path / f"{index}")

    read = read_dicom(tmp_path)

    assert read.spacing_mm[0] == pytest.approx(0.5, rel=0.01)
    np.testing.assert_array_equal(read.voxels, made.voxels)


@pytest.mark.parametrize(
    "attributes",
    [
        {"ImageOrientationPatient": ["0.999", "0.0447", "0", "-0.0447", "0.999", "0"]},
        {"PixelSpacing": ["0.35", "0.4"]},
        {"Rows": 10, "PixelData": b"\0" * 480},
    ],
    ids=lambda attributes: next(iter(attributes)),
)
def test_a_slice_unlike_the_others_is_refused(tmp_path: Path, attributes: dict[str, object]) -> None:
    folder = scans.series(tmp_path, indices=range(11))
    scans.save(scans.slice_dataset(scans.small_volume(), 11, **attributes), folder / "other")

    with pytest.raises(GeometryError):
        read_dicom(folder)


# Legacy multi-frame: one position, and something that says where the next frame is.


@pytest.mark.parametrize("orientation", ["flips (1, 1, 1)", "oblique", "sagittal"])
def test_a_legacy_file_lies_where_it_was_put(tmp_path: Path, orientation: str) -> None:
    made = scans.turned(scans.small_volume(), ORIENTATIONS[orientation])

    _assert_same_places(read_dicom(scans.legacy_multiframe(tmp_path, made)), made)


def test_a_negative_spacing_runs_against_the_normal(tmp_path: Path) -> None:
    made = scans.turned(scans.small_volume(), _directions((-1, 1, 1)))

    read = read_dicom(scans.legacy_multiframe(tmp_path, made, SpacingBetweenSlices="-0.5"))

    _assert_same_places(read, made)


@pytest.mark.parametrize("keyword", ["GridFrameOffsetVector", "SliceLocationVector"])
def test_a_vector_of_offsets_says_where_frames_are(tmp_path: Path, keyword: str) -> None:
    made = scans.small_volume()
    offsets = [f"{40 + index * 0.5}" for index in range(made.shape[0])]

    path = scans.legacy_multiframe(tmp_path, made, **{keyword: offsets, "SpacingBetweenSlices": None})

    _assert_same_places(read_dicom(path), made)


def test_cubic_voxels_need_no_slice_spacing(tmp_path: Path) -> None:
    made = scans.small_volume()
    affine = made.affine_lps.copy()
    affine[[2, 1, 0], [0, 1, 2]] = 0.3
    made = Volume(made.voxels, affine, True)

    _assert_same_places(read_dicom(scans.legacy_multiframe(tmp_path, made, SpacingBetweenSlices=None)), made)


# Which of several series.


def test_scouts_captures_and_reports_beside_the_series_are_left_out(tmp_path: Path) -> None:
    folder = scans.series(tmp_path)
    made = scans.small_volume((6, 30, 30), seed=5)
    scans.series(folder, made, series_uid="1.2.8", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    scans.xray(folder)
    scans.report(folder)

    _assert_same_places(read_dicom(folder), scans.small_volume())


def test_a_single_unmarked_scout_is_left_out(tmp_path: Path) -> None:
    folder = scans.series(tmp_path)
    scans.series(folder, scans.small_volume((1, 40, 40)), series_uid="1.2.8")

    _assert_same_places(read_dicom(folder), scans.small_volume())


def test_two_enhanced_files_are_two_series(tmp_path: Path) -> None:
    scans.enhanced(tmp_path, scans.small_volume(), "a.dcm")
    scans.enhanced(tmp_path, scans.small_volume((9, 20, 24)), "b.dcm")

    with pytest.raises(SeriesIsAmbiguous, match="of 12, 9 slices"):
        read_dicom(tmp_path)


# Tilted and uneven slices.


def _ball(places: np.ndarray) -> np.ndarray:
    """HU of a ball of 9 mm at (3, -4, 20), with a soft edge."""
    distance = np.linalg.norm(places - [3, -4, 20], axis=-1)
    return np.clip((9.5 - distance) * 1000, 0, 1000) - 500


def _tilted_series(folder: Path, heights: list[float], degrees: float, thickness: str) -> None:
    """Slices that are tilted about x and stacked straight up."""
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    row, column = np.array([1.0, 0, 0]), np.array([0, cosine, -sine])
    rows, columns = np.meshgrid(np.arange(70), np.arange(60), indexing="ij")
    for number, height in enumerate(heights):
        origin = np.array([-18.0, -22.0, height])
        places = origin + rows[..., None] * 0.6 * column + columns[..., None] * 0.6 * row
        voxels = np.rint(_ball(places)).astype(np.int16)
        made = Volume(voxels[None], np.eye(4))
        dataset = scans.slice_dataset(made, 0)
        dataset.ImagePositionPatient = [f"{each:.8g}" for each in origin]
        dataset.ImageOrientationPatient = [f"{each:.8g}" for each in (*row, *column)]
        dataset.PixelSpacing, dataset.SliceThickness = ["0.6", "0.6"], thickness
        scans.save(dataset, folder / f"{(number * 17) % 101}")


UNEVEN = [*np.arange(0, 20, 1.0), *np.arange(20.5, 45, 1.4)]


@pytest.mark.parametrize(
    ("heights", "degrees"),
    [(list(np.arange(0, 45, 1.0)), 18.5), (list(np.arange(0, 45, 1.0)), -25), (UNEVEN, 18.5), (UNEVEN, 0)],
    ids=["tilted", "tilted back", "tilted and uneven", "uneven"],
)
def test_a_ball_in_tilted_or_uneven_slices_stays_a_ball_in_its_place(
    tmp_path: Path, heights: list[float], degrees: float
) -> None:
    _tilted_series(tmp_path, heights, degrees, "1.4")

    volume = read_dicom(tmp_path)

    inside = np.argwhere(volume.voxels > 0)
    places = volume.points_lps_mm(inside)
    np.testing.assert_allclose(places.mean(axis=0), [3, -4, 20], atol=0.1)
    np.testing.assert_allclose(np.ptp(places, axis=0), 18, atol=1.6)
    voxel_mm3 = np.prod(volume.spacing_mm)
    assert len(inside) * voxel_mm3 == pytest.approx(4 / 3 * np.pi * 9**3, rel=0.02)
    directions = volume.affine_lps[:3, :3] / volume.spacing_mm
    np.testing.assert_allclose(directions.T @ directions, np.eye(3), atol=1e-6)


def test_uneven_slices_with_tissue_missing_between_are_refused(tmp_path: Path) -> None:
    _tilted_series(tmp_path, UNEVEN, 0, "1.0")

    with pytest.raises(SeriesHasGaps, match=r"1\.5 mm"):
        read_dicom(tmp_path)


def test_the_real_tilted_scan_keeps_every_voxel_in_its_place() -> None:
    folder = shared_path("scans/gantry_tilt_dicom")

    volume = read_dicom(folder)

    assert volume.is_hu
    random = np.random.default_rng(0)
    for path in sorted(folder.iterdir())[2:26:3]:
        dataset = dcmread(path)
        row, column = np.array(dataset.ImageOrientationPatient, float).reshape(2, 3)
        pixels = random.integers(100, 400, (300, 2))
        origin = np.array(dataset.ImagePositionPatient, float)
        places = (
            origin + pixels[:, :1] * column * dataset.PixelSpacing[0] + pixels[:, 1:] * row * dataset.PixelSpacing[1]
        )
        low = np.floor(volume.indices_at(places) + 1e-6).astype(int)
        around = np.stack([volume.voxels[tuple((low + each).T)] for each in product((0, 1), repeat=3)])
        true = dataset.pixel_array[tuple(pixels.T)].astype(float)
        # The true value lies among those around its place nearly always; interpolation blurs the rest.
        margin = 40
        fits = (true >= around.min(axis=0) - margin) & (true <= around.max(axis=0) + margin)
        assert fits.mean() > 0.85


def test_the_real_head_is_in_order_though_its_names_are_not() -> None:
    volume = read_dicom(shared_path("scans/head_ct_dicom"))

    assert volume.shape == (93, 64, 64)
    np.testing.assert_allclose(volume.spacing_mm, [1.5, 3.2, 3.2])
    np.testing.assert_allclose(volume.points_lps_mm([[92, 63, 0]])[0], [0, 201.6, 138])
    assert not volume.is_hu
