import numpy as np
import pytest

from gnathos.evaluation import compare_centrelines, score_labels, score_masks, score_teeth
from gnathos.evaluation.scores import dice


def solid(first, last, shape=(30, 30, 30)):
    mask = np.zeros(shape, bool)
    mask[tuple(slice(a, b) for a, b in zip(first, last, strict=True))] = True
    return mask


def test_dice_of_half_overlapping_boxes_is_one_half():
    assert dice(solid((0, 0, 0), (10, 10, 10)), solid((5, 0, 0), (15, 10, 10))) == 0.5


def test_two_empty_masks_have_no_dice():
    with pytest.raises(ValueError, match="empty"):
        dice(solid((0, 0, 0), (0, 0, 0)), solid((0, 0, 0), (0, 0, 0)))


def test_a_structure_that_is_not_there_is_a_false_positive_and_has_no_agreement():
    score = score_masks(solid((0, 0, 0), (0, 0, 0)), solid((5, 5, 5), (15, 15, 15)), (1, 1, 1))
    assert score.is_false_positive
    assert not score.is_missed
    assert score.found_ml == pytest.approx(1.0)
    assert score.dice is score.within is score.average_mm is score.volume_error is None


def test_a_structure_not_found_is_missed():
    score = score_masks(solid((5, 5, 5), (15, 15, 15)), solid((0, 0, 0), (0, 0, 0)), (1, 1, 1))
    assert score.is_missed
    assert score.volume_error == -1


def test_holes_and_pieces_are_counted():
    ring = solid((5, 5, 5), (15, 15, 8)) & ~solid((8, 8, 0), (12, 12, 30))
    score = score_masks(ring, ring | solid((20, 20, 20), (22, 22, 22)), (1, 1, 1))
    assert score.components == 2
    assert score.euler == 1  # a ring counts 0, a lump 1


def test_labels_are_scored_by_name_and_others_left_out():
    reference = solid((2, 2, 2), (12, 12, 12)) * 2 + solid((20, 20, 20), (25, 25, 25)) * 7
    scores = score_labels(reference, np.where(reference == 2, 2, 0), {2: "mandible", 3: "maxillary"}, (1, 1, 1))
    assert set(scores) == {"mandible", "maxillary"}
    assert scores["mandible"].dice == 1
    assert scores["mandible"].within == {0.5: 1, 1.0: 1, 2.0: 1}
    assert scores["maxillary"].dice is None


def arch(numbers):
    labels = np.zeros((6, 6, 10 * len(numbers)), np.uint8)
    for place, number in enumerate(numbers):
        labels[1:5, 1:5, 10 * place + 1 : 10 * place + 9] = number
    return labels


def test_teeth_are_paired_by_place_and_judged_by_number():
    score = score_teeth(arch([11, 12, 13, 14]), arch([11, 12, 14, 0]))
    assert (score.present, score.found, score.detected, score.numbered_right) == (4, 3, 3, 2)
    assert score.recall == 0.75
    assert score.precision == 1
    assert score.numbering == pytest.approx(2 / 3)
    assert score.dice_of_detected == (1, 1, 1)


def test_a_tooth_less_than_half_covered_is_not_detected():
    reference, found = arch([36]), arch([36])
    found[3:] = 0
    assert score_teeth(reference, found).detected == 1
    found[2:] = 0
    assert score_teeth(reference, found).detected == 0


def test_scans_without_teeth_add_nothing_to_the_sum():
    total = score_teeth(arch([11, 12]), arch([11, 12])) + score_teeth(arch([0]), arch([0]))
    assert total.recall == total.precision == total.numbering == 1
    assert score_teeth(arch([0]), arch([0])).numbering is None


def test_parallel_lines_are_their_distance_apart_whichever_way_they_run():
    line = np.stack([np.zeros(50), np.linspace(0, 40, 50), np.zeros(50)], axis=1)
    error = compare_centrelines(line, line[::-1] + np.array([0.0, 0.0, 0.8]))
    assert error.mean_mm == pytest.approx(0.8, abs=0.01)
    assert error.share_within_1mm == 1
    assert error.ends_mm == pytest.approx((0.8, 0.8))


def test_a_line_that_stops_half_way_is_as_bad_as_what_it_lacks():
    line = np.array([[0.0, 0, 0], [0, 40, 0]])
    error = compare_centrelines(line, line / [1, 2, 1])
    assert error.ends_mm == pytest.approx((0, 20))
    assert error.mean_mm == pytest.approx(20 * 20 / 2 / 60, rel=0.02)
    assert error.share_within_1mm == pytest.approx(41 / 60, rel=0.02)
