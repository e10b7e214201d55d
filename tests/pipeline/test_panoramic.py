"""Pictures along the arch of a phantom that has a metal crown on its right side only."""

from collections.abc import Sequence
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from scipy.ndimage import gaussian_filter
from tests.makers.cases import ball_case, findings_of_truth, oblique_scan

from gnathos.anatomy import PERMANENT_FDI, SHORTHANDS
from gnathos.imaging import Volume
from gnathos.imaging.curved import unroll
from gnathos.phantom import Phantom, PhantomParameters, make_phantom
from gnathos.pipeline import OutputFile, OutputResult, Request
from gnathos.pipeline.arch import dental_arch
from gnathos.pipeline.case import Case, structures_wanted
from gnathos.pipeline.outputs import make_output
from gnathos.pipeline.read import Scan
from gnathos.segmentation import Finding, Outcome, Reason, Segmentation

MARKED_TOOTH = 46
PIXEL_MM = 0.3


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    parameters = PhantomParameters(spacing_mm=1.2, shape=(90, 120, 110), metal_teeth=frozenset({MARKED_TOOTH}))
    return make_phantom(parameters)


def made(folder: Path, scan: Volume, truth: Volume, extension: str) -> tuple[OutputResult, Path]:
    segmentation = Segmentation(findings_of_truth(truth))
    case = Case(Request((), ()), folder, Scan(scan), segmentation, {"name": "truth", "version": "1"}, {}, {})
    result = make_output(OutputFile("panoramic", extension, ()), case)
    return result, folder / str(result.path)


def brightest(values: np.ndarray) -> tuple[int, int]:
    """Row and column."""
    row, column = np.unravel_index(np.argmax(gaussian_filter(values.astype(float), 5)), values.shape)
    return int(row), int(column)


@pytest.mark.parametrize(
    ("axes", "flips"),
    [((0, 1, 2), (False, False, True)), ((2, 0, 1), (True, True, False))],
)
def test_the_patients_right_is_on_the_left_however_the_scan_lies(
    phantom: Phantom, axes: tuple[int, int, int], flips: tuple[bool, bool, bool], tmp_path: Path
) -> None:
    scan, truth = (each.reorient(axes, flips) for each in (phantom.volume, phantom.truth))
    result, path = made(tmp_path, scan, truth, ".dcm")
    dataset = pydicom.dcmread(path)

    row, column = brightest(dataset.pixel_array)

    assert 0.15 < column / dataset.Columns < 0.45
    assert 0.4 < row / dataset.Rows < 0.8
    assert list(dataset.PatientOrientation) == ["L", "F"]
    assert (result.measures["imageLeft"], result.measures["pixelMm"]) == ("patient's right", PIXEL_MM)
    assert (result.measures["width"], result.measures["height"]) == (dataset.Columns, dataset.Rows)
    assert [float(each) for each in dataset.PixelSpacing] == [PIXEL_MM] * 2
    assert f"slab of {result.measures['slabMm']:g} mm, {PIXEL_MM} mm a pixel" in dataset.DerivationDescription


def test_the_png_shows_the_same_and_marks_the_sides(phantom: Phantom, tmp_path: Path) -> None:
    result, path = made(tmp_path, phantom.volume, phantom.truth, ".png")

    picture = imagecodecs.png_decode(path.read_bytes())

    assert picture.shape == (result.measures["height"], result.measures["width"])
    assert brightest(picture[40:])[1] < 0.45 * picture.shape[1]
    left, right = (picture[:40, :30] == 255).sum(), (picture[:40, -30:] == 255).sum()
    assert left > right > 100  # an R has more ink than an L


@pytest.mark.parametrize(
    ("teeth", "with_mandible", "most_away_mm", "least_long_mm"),
    [
        (PERMANENT_FDI, True, 4, 180),
        (PERMANENT_FDI, False, 4, 100),
        (range(41, 48), False, 3, 45),
        ((), True, 8, 180),
    ],
    ids=["all", "teeth alone", "a quadrant", "no teeth"],
)
def test_the_arch_runs_from_right_to_left_in_even_steps(
    teeth: Sequence[int], with_mandible: bool, most_away_mm: float, least_long_mm: float, phantom: Phantom
) -> None:
    findings = findings_of_truth(phantom.truth)
    fields = [field for fdi in teeth if (field := findings[f"tooth{fdi}"].field) is not None]
    line = dental_arch(fields, findings["mandible"].field if with_mandible else None, PIXEL_MM)

    assert line is not None
    near = [fact.centroid_lps_mm[:2] for label, fact in phantom.facts.items() if label in (teeth or range(31, 48))]
    away_mm = np.linalg.norm(np.array(near)[:, None] - line, axis=2).min(axis=1)
    assert away_mm.max() < most_away_mm
    assert line[0, 0] < line[-1, 0]
    assert len(line) * PIXEL_MM > least_long_mm
    np.testing.assert_allclose(np.linalg.norm(np.diff(line, axis=0), axis=1), PIXEL_MM, rtol=0.05)


def test_unrolling_puts_every_value_where_it_lies_in_the_patient() -> None:
    scan = oblique_scan()
    places = scan.points_lps_mm(np.indices(scan.shape).reshape(3, -1).T)
    values_of_place = np.array([1.0, -2.0, 3.0])
    linear = scan.with_voxels((places @ values_of_place).reshape(scan.shape))
    middle = scan.points_lps_mm([(np.array(scan.shape) - 1) / 2])[0]
    line = middle[:2] + np.column_stack([np.arange(-4, 4, 0.5), np.zeros(16)])
    heights = middle[2] + np.array([5.0, 0.0, -5.0, 500.0])

    picture = unroll(linear, line, heights, np.arange(-2, 2.5, 0.5))

    expected = heights[:3, None] * 3.0 + line @ values_of_place[:2]
    np.testing.assert_allclose(picture[:3], expected, rtol=1e-5)
    assert np.isnan(picture[3]).all()


def test_without_an_arch_the_picture_is_missing_with_the_reason(phantom: Phantom, tmp_path: Path) -> None:
    reason = Reason.NOT_IN_FIELD_OF_VIEW
    missing = {
        name: Finding(Outcome.MISSING, 0.8, reason, "It is not there.") for name in findings_of_truth(phantom.truth)
    }
    case = ball_case(tmp_path)
    case.segmentation = Segmentation(missing)

    result = make_output(OutputFile("panoramic", ".png", ()), case)

    assert (result.status, result.path) == ("Missing", None)
    assert result.reason == {"code": "not_in_field_of_view", "detail": "It is not there."}


def test_what_was_looked_for_along_the_arch_alone_is_in_no_report(tmp_path: Path) -> None:
    outputs = OutputFile("meshes", ".stl", ("tooth36",)), OutputFile("panoramic", ".png", ())
    case = ball_case(tmp_path, *outputs)

    result = make_output(OutputFile("report", ".json", ()), case)

    assert [part["structure"] for part in result.parts] == ["tooth36"]
    assert set(structures_wanted(outputs)) == {"mandible", *SHORTHANDS["all_permanent_teeth"]}
