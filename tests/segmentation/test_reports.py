"""What is said of a scan and of the findings in it."""

from types import SimpleNamespace

import numpy as np
import pytest

from gnathos.imaging import Volume
from gnathos.phantom import PhantomParameters, make_phantom
from gnathos.segmentation import BuiltinSegmenter, Outcome, Reason
from gnathos.segmentation.bones import GROUPS, LOWER, UPPER, _part
from gnathos.segmentation.confidence import FEATURES, Signs, logistic
from gnathos.segmentation.presence import BOTTOM, TOP, Requirements, judge_presence


@pytest.fixture(scope="module")
def segmenter() -> BuiltinSegmenter:
    return BuiltinSegmenter(threads=2)


def anatomy(background: np.ndarray) -> SimpleNamespace:
    return SimpleNamespace(grid=Volume(background, np.diag([2.0, 2.0, 2.0, 1.0])), probability=lambda name: background)


@pytest.mark.parametrize(
    ("faces", "reason"), [((BOTTOM,), Reason.NOT_IN_FIELD_OF_VIEW), ((TOP,), Reason.NOT_FOUND)], ids=["cut", "whole"]
)
def test_what_lies_beyond_a_cut_is_not_in_the_field_of_view(faces: tuple[tuple[int, int]], reason: Reason) -> None:
    background = np.ones((20, 20, 20), np.float32)
    background[:12, 5:15, 5:15] = 0  # a body that only the bottom cuts
    required = Requirements(10, 20, 5, 0.3, beyond=faces)

    presence = judge_presence(np.zeros((20, 20, 20), np.float32), anatomy(background), required, "jaw")

    assert presence.mask is None
    assert presence.reason is reason
    assert "jaw" in presence.explanation


def test_bones_meet_in_the_dark_seam_between_them() -> None:
    brightness = np.ones((12, 12, 41), np.float32)
    brightness[..., 23] = 0.5  # the network's own border is at 20, the gap at 23
    upper = np.broadcast_to(np.clip((np.arange(41) - 10) / 20, 0, 1), brightness.shape).astype(np.float32)

    parts = _part(brightness, np.ones_like(brightness), [1 - upper, upper, np.zeros_like(upper)])

    assert (parts[..., :23] == GROUPS.index(LOWER) + 1).all()
    assert (parts[..., 24:] == GROUPS.index(UPPER) + 1).all()


def test_confidence_is_a_probability_that_grows_with_agreement() -> None:
    weights, centre, scale = np.array([1.0, 2.0, 0.5, -0.5, 1.0]), np.zeros(len(FEATURES)), np.ones(len(FEATURES))
    worse, better = (Signs(0.9, share, 10.0, False).features() for share in (0.7, 0.95))

    assert 0 < logistic(worse, weights, centre, scale) < logistic(better, weights, centre, scale) < 1


def test_a_head_without_teeth_to_tell_the_throat_by_has_no_airway(segmenter: BuiltinSegmenter) -> None:
    neck = PhantomParameters(spacing_mm=0.8, shape=(60, 160, 160), centre_lps_mm=(0.0, 70.0, -90.0))
    airway = segmenter.segment(make_phantom(neck).volume, ["airway"], lambda fraction: None).findings["airway"]

    assert (airway.outcome, airway.reason) == (Outcome.MISSING, Reason.NOT_IN_FIELD_OF_VIEW)
