"""The built-in segmenter on real CT scans: the right bone, on the right side, and none where there is none."""

from itertools import product

import numpy as np
import pytest
from tests.shared import shared_path

from gnathos.dicom import read_dicom
from gnathos.imaging import Volume
from gnathos.imaging.limits import Limits
from gnathos.segmentation import BuiltinSegmenter, Finding, Outcome, Reason


@pytest.fixture(scope="module")
def segmenter() -> BuiltinSegmenter:
    return BuiltinSegmenter(threads=2)


@pytest.fixture(scope="module")
def head() -> Volume:
    return read_dicom(shared_path("scans/head_ct_dicom"), Limits())


@pytest.fixture(scope="module")
def mandible(segmenter: BuiltinSegmenter, head: Volume) -> Finding:
    return find(segmenter, head)


def find(segmenter: BuiltinSegmenter, scan: Volume) -> Finding:
    return segmenter.segment(scan, ["mandible"], lambda fraction: None).findings["mandible"]


def inside_lps_mm(finding: Finding) -> np.ndarray:
    assert finding.field is not None
    return finding.field.points_lps_mm(np.argwhere(finding.field.voxels > 0))


def volume_ml(finding: Finding) -> float:
    assert finding.field is not None
    return float((finding.field.voxels > 0).sum() * finding.field.spacing_mm.prod() / 1000)


def test_the_mandible_of_a_head_is_one_bone_of_an_adults_size(mandible: Finding) -> None:
    points = inside_lps_mm(mandible)

    assert mandible.outcome is Outcome.FOUND
    assert 55 < volume_ml(mandible) < 75
    assert 100 < np.ptp(points[:, 0]) < 125
    assert 90 < np.ptp(points[:, 2]) < 125


def test_it_reaches_from_the_chin_to_both_condyles(mandible: Finding) -> None:
    points = inside_lps_mm(mandible)
    top = points[points[:, 2] > points[:, 2].max() - 15]
    bottom = points[points[:, 2] < points[:, 2].min() + 15]
    middle = np.median(points[:, 0])

    assert (top[:, 0] < middle - 35).any()
    assert (top[:, 0] > middle + 35).any()
    assert np.abs(bottom[:, 0].mean() - middle) < 10
    assert bottom[:, 1].mean() < top[:, 1].mean() - 30  # the chin lies in front of the condyles


@pytest.mark.parametrize("flips", list(product([False, True], repeat=3)))
def test_the_order_and_direction_of_the_axes_change_nothing(
    segmenter: BuiltinSegmenter, head: Volume, mandible: Finding, flips: tuple[bool, bool, bool]
) -> None:
    axes = [(0, 1, 2), (1, 2, 0), (2, 1, 0)][sum(flips) % 3]

    turned = find(segmenter, head.reorient(axes, flips))

    assert np.array_equal(np.unique(inside_lps_mm(turned), axis=0), np.unique(inside_lps_mm(mandible), axis=0))


def test_other_thread_counts_give_the_same_field(head: Volume, mandible: Finding) -> None:
    single = find(BuiltinSegmenter(threads=1), head)

    assert single.field is not None
    assert mandible.field is not None
    assert np.array_equal(single.field.voxels, mandible.field.voxels)


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 200), (1.0, -200), (0.8, 0), (1.25, 0), (0.3, 4000)])
def test_other_gray_scales_move_the_border_little(
    segmenter: BuiltinSegmenter, head: Volume, mandible: Finding, scale: float, offset: float
) -> None:
    gray = (head.voxels * scale + offset).astype(np.float32)

    assert volume_ml(find(segmenter, head.with_voxels(gray))) == pytest.approx(volume_ml(mandible), rel=0.05)


def test_what_a_cranium_does_not_show_is_missing(segmenter: BuiltinSegmenter) -> None:
    names = ["mandible", "airway", "left_sinus", "right_sinus"]
    cranium = read_dicom(shared_path("scans/gantry_tilt_dicom"), Limits())

    for finding in segmenter.segment(cranium, names, lambda fraction: None).findings.values():
        assert finding.outcome is Outcome.MISSING
        assert finding.reason in {Reason.NOT_FOUND, Reason.NOT_IN_FIELD_OF_VIEW, Reason.TOO_LITTLE_CONTRAST}
        assert finding.field is None
        assert finding.explanation


def test_the_vault_of_a_head_has_neither_mandible_nor_throat(segmenter: BuiltinSegmenter, head: Volume) -> None:
    upper_third = head.crop((62, 0, 0), head.shape)
    findings = segmenter.segment(upper_third, ["mandible", "airway"], lambda fraction: None).findings

    assert {finding.outcome for finding in findings.values()} == {Outcome.MISSING}


def test_deciduous_teeth_are_missing_with_the_reason(segmenter: BuiltinSegmenter, head: Volume) -> None:
    tooth = segmenter.segment(head, ["tooth55"], lambda fraction: None).findings["tooth55"]

    assert (tooth.outcome, tooth.reason) == (Outcome.MISSING, Reason.NOT_SUPPORTED_YET)
    assert tooth.explanation


def test_what_else_a_head_holds_lies_where_it_should(segmenter: BuiltinSegmenter, head: Volume) -> None:
    names = ["skull", "maxillary", "airway", "soft_tissue"]
    findings = segmenter.segment(head, names, lambda fraction: None).findings
    skull, upper_jaw, airway, skin = (findings[name] for name in names)

    assert 0.05 < volume_ml(upper_jaw) / volume_ml(skull) < 0.5
    assert 3 < volume_ml(airway) < 60
    assert inside_lps_mm(airway)[:, 1].min() > np.quantile(inside_lps_mm(upper_jaw)[:, 1], 0.5)  # the mouth stays out
    assert volume_ml(skin) > 2000
    assert inside_lps_mm(airway)[:, 1].min() > inside_lps_mm(skin)[:, 1].min()


def test_a_head_has_a_sinus_on_either_side(segmenter: BuiltinSegmenter, head: Volume) -> None:
    findings = segmenter.segment(head, ["left_sinus", "right_sinus"], lambda fraction: None).findings

    assert 5 < volume_ml(findings["left_sinus"]) < 25
    assert 5 < volume_ml(findings["right_sinus"]) < 25
    # x grows to the patient's left
    assert inside_lps_mm(findings["left_sinus"])[:, 0].min() > inside_lps_mm(findings["right_sinus"])[:, 0].max()


@pytest.mark.parametrize("columns", [slice(32, 64), slice(0, 32)], ids=["left", "right"])
def test_half_a_jaw_is_found_and_called_cut(segmenter: BuiltinSegmenter, head: Volume, columns: slice) -> None:
    half = find(segmenter, head.crop((0, 0, columns.start), (*head.shape[:2], columns.stop)))

    assert half.outcome is Outcome.FOUND
    assert half.reason is Reason.CUT_BY_BORDER
    assert 25 < volume_ml(half) < 45
