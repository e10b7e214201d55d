"""`gnathos evaluate` against the truth of a phantom."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gnathos.errors import UnknownConvention
from gnathos.evaluation.conventions import reference_mask


def gnathos(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gnathos.cli", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("phantom")
    scan, truth = folder / "head.dcm", folder / "truth.nii.gz"
    made = gnathos("phantom", str(scan), "--truth", str(truth), "--spacing", "0.9")
    assert made.returncode == 0, made.stderr
    return scan, truth


def test_the_scores_of_a_phantom_are_printed_as_json(phantom: tuple[Path, Path]) -> None:
    answer = gnathos("evaluate", *map(str, phantom), "-s", "mandible", "-s", "airway", "--json")
    scores = json.loads(answer.stdout)

    assert answer.returncode == 0, answer.stderr
    assert scores["mandible"]["dice"] > 0.95
    assert scores["mandible"]["average_mm"] < 0.3
    assert scores["airway"]["dice"] > 0.7  # the phantom's throat goes on below the plane where the airway ends


def test_an_unknown_convention_is_named(phantom: tuple[Path, Path]) -> None:
    answer = gnathos("evaluate", *map(str, phantom), "--convention", "toothfairies")

    assert answer.returncode == 2
    assert "toothfairy" in answer.stderr


def test_the_jaws_carry_their_teeth_in_every_convention() -> None:
    toothfairy = np.array([0, 1, 2, 3, 11, 36])
    groups = np.array([0, 2, 1, 5, 3, 4])

    for labels, convention in ((toothfairy, "toothfairy"), (groups, "dentalsegmentator")):
        assert reference_mask(labels, convention, "mandible").tolist() == [False, True, False, True, False, True]
        assert reference_mask(labels, convention, "skull").tolist() == [False, False, True, False, True, False]
    with pytest.raises(UnknownConvention):
        reference_mask(groups, "nobody's", "skull")
