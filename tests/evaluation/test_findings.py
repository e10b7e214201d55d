"""Findings against label maps, and many scans put together."""

import numpy as np
import pytest

from gnathos.evaluation import StructureScore
from gnathos.evaluation.centrelines import centreline_of
from gnathos.evaluation.conventions import holds, reference_mask
from gnathos.evaluation.findings import score_findings
from gnathos.evaluation.summary import summarise
from gnathos.imaging import Volume
from gnathos.segmentation import Finding, Outcome, Reason

GRID = np.array([[0, 0, 0.5, 0], [0, 0.5, 0, 0], [0.5, 0, 0, 0], [0, 0, 0, 1.0]])


def block(label, rows, columns, shape=(20, 60, 60)):
    labels = np.zeros(shape, np.uint8)
    labels[5:15, slice(*rows), slice(*columns)] = label
    return labels


def finding_of(mask):
    return Finding(Outcome.FOUND, 1.0, field=Volume(np.where(mask, 1.0, -1.0).astype(np.float32), GRID))


def absent():
    return Finding(Outcome.MISSING, 1.0, Reason.NOT_FOUND, "It is not there.")


def test_findings_are_scored_by_what_the_labels_mean():
    labels = block(1, (5, 25), (5, 25)) + block(36, (30, 40), (30, 40)) + block(136, (40, 44), (30, 40))
    jaw, tooth = labels > 0, labels >= 36
    findings = {"mandible": finding_of(jaw), "tooth36": finding_of(tooth), "skull": absent(), "soft_tissue": absent()}

    scores = score_findings(findings, Volume(labels, GRID), "toothfairy")

    assert scores.structures["mandible"].dice == 1  # the tooth and its pulp are parts of it
    assert scores.structures["tooth36"].dice == 1
    assert scores.structures["skull"].reference_ml == 0
    assert "soft_tissue" not in scores.structures  # ToothFairy has no skin
    assert scores.teeth is not None
    assert (scores.teeth.present, scores.teeth.detected, scores.teeth.numbered_right) == (1, 1, 1)


def test_a_tooth_under_another_number_is_detected_and_numbered_wrong():
    labels = block(36, (30, 40), (30, 40))
    findings = {"tooth36": absent(), "tooth37": finding_of(labels > 0)}

    teeth = score_findings(findings, Volume(labels, GRID), "gnathos").teeth

    assert teeth is not None
    assert (teeth.present, teeth.found, teeth.detected, teeth.numbered_right) == (1, 1, 1, 0)


def test_canals_are_compared_by_their_centrelines():
    labels = np.zeros((40, 40, 120), np.uint8)
    labels[18:22, 18:22, 10:110] = 102
    shifted = np.roll(labels == 102, 4, axis=0)  # 2 mm

    scores = score_findings({"left_nerve": finding_of(shifted)}, Volume(labels, GRID), "gnathos")

    assert scores.canals["left_nerve"].mean_mm == pytest.approx(2.0, abs=0.1)
    assert scores.canals["left_nerve"].share_within_1mm == 0


def test_the_centreline_of_a_bent_tube_follows_its_middle():
    grid = np.stack(np.meshgrid(*[np.arange(n) * 0.5 for n in (30, 90, 90)], indexing="ij"), axis=-1)
    far = np.hypot(np.hypot(grid[..., 1], grid[..., 2]) - 30, grid[..., 0] - 7)

    line = centreline_of(far < 1.5, (0.5, 0.5, 0.5))

    assert np.hypot(line[5:-5, 1], line[5:-5, 2]) == pytest.approx(30, abs=0.5)
    assert np.linalg.norm(np.diff(line, axis=0), axis=1).sum() == pytest.approx(30 * np.pi / 2, rel=0.05)


def test_conventions_hold_what_their_labels_can_tell():
    assert holds("toothfairy", "maxillary")
    assert holds("toothfairy", "right_sinus")
    assert not holds("dentalsegmentator", "maxillary")
    assert not holds("dentalsegmentator", "tooth36")
    assert not holds("toothfairy", "soft_tissue")
    assert reference_mask(np.array([0, 1, 106, 105, 36]), "gnathos", "soft_tissue").tolist() == [False, *[True] * 4]


def test_inventions_and_misses_are_counted_and_never_averaged_in():
    good = StructureScore(10, 10, dice=0.9, within={0.5: 0.8, 1.0: 0.9, 2.0: 1.0}, average_mm=0.3, hausdorff95_mm=1.0)
    scores = [good, StructureScore(10, 0), StructureScore(0, 3), StructureScore(0, 0), StructureScore(0.2, 0)]

    summary = summarise("mandible", scores)

    assert (summary.present, summary.found, summary.absent, summary.invented) == (2, 1, 2, 1)
    assert summary.invented_ml == 3
    assert summary.dice == 0.9
    assert summary.within == (0.8, 0.9, 1.0)
