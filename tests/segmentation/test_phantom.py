"""The built-in segmenter on heads whose truth is known."""

import numpy as np
import pytest

from gnathos.imaging import Volume
from gnathos.imaging.sampling import interpolate
from gnathos.phantom import Phantom, PhantomParameters, make_phantom
from gnathos.segmentation import BuiltinSegmenter, Finding, Outcome

COARSE = PhantomParameters(spacing_mm=0.8, shape=(165, 200, 200))
CANALS = (101, 102)


@pytest.fixture(scope="module")
def segmenter() -> BuiltinSegmenter:
    return BuiltinSegmenter(threads=2)


def mandible_of(segmenter: BuiltinSegmenter, scan: Volume) -> Finding:
    return segmenter.segment(scan, ["mandible"], lambda fraction: None).findings["mandible"]


def dice(finding: Finding, phantom: Phantom) -> float:
    """Overlap with the mandible, its teeth and canals, on the phantom's own voxels."""
    assert finding.field is not None
    labels = phantom.truth.to_patient_axes()
    lower_teeth = (labels.voxels > 30) & (labels.voxels < 49)
    truth = (labels.voxels == 2) | lower_teeth | np.isin(labels.voxels, CANALS)
    corners = np.round(labels.indices_at(finding.field.corners_lps_mm)).astype(int)
    window = tuple(slice(low, high + 1) for low, high in corners.T)
    found = np.zeros(truth.shape, bool)
    found[window] = interpolate(finding.field, labels.crop(corners[0], corners[1] + 1)) > 0
    return float(2 * (found & truth).sum() / (found.sum() + truth.sum()))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mouth_opening_mm": 15.0},
        {"missing_teeth": frozenset({36, 35, 46, 18, 28, 38, 48})},
        {"tilt_degrees": (10.0, -8.0, 12.0)},
        {"noise_hu": 120.0},
    ],
    ids=lambda changes: "-".join(changes) or "closed",
)
def test_the_mandible_of_a_phantom_is_its_own(segmenter: BuiltinSegmenter, changes: dict[str, object]) -> None:
    phantom = make_phantom(PhantomParameters(**{**vars(COARSE), **changes}))  # type: ignore[arg-type]

    finding = mandible_of(segmenter, phantom.volume)

    assert finding.outcome is Outcome.FOUND
    assert dice(finding, phantom) > 0.95


def test_the_sinuses_of_a_phantom_are_found_on_their_sides(segmenter: BuiltinSegmenter) -> None:
    phantom = make_phantom(COARSE)
    findings = segmenter.segment(phantom.volume, ["left_sinus", "right_sinus"], lambda fraction: None).findings

    for name, label in (("left_sinus", 104), ("right_sinus", 103)):
        field = findings[name].field
        assert field is not None
        places = field.points_lps_mm(np.argwhere(field.voxels > 0))
        truth = phantom.facts[label]
        assert len(places) * field.spacing_mm.prod() / 1000 == pytest.approx(truth.volume_ml, rel=0.05)
        assert places.mean(axis=0) == pytest.approx(truth.centroid_lps_mm, abs=0.5)


def test_a_field_of_view_above_the_jaws_has_no_mandible(segmenter: BuiltinSegmenter) -> None:
    centre = (0.0, 70.0, 105.0)
    above = PhantomParameters(spacing_mm=0.8, shape=(80, 200, 200), centre_lps_mm=centre)

    assert mandible_of(segmenter, make_phantom(above).volume).outcome is Outcome.MISSING
