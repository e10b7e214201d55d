"""Which side of the patient something lies on."""

import numpy as np
import pytest

from gnathos.segmentation.sides import midline_of_head, pieces_on_side


def columns(first: int, last: int) -> np.ndarray:
    mask = np.zeros((12, 12, 40), np.bool_)
    mask[2:10, 2:10, first:last] = True
    return mask


NOTHING = np.zeros((12, 12, 40), np.bool_)


@pytest.mark.parametrize(
    ("bones", "expected"), [(columns(5, 35), 19.5), (columns(0, 30), 24.5)], ids=["whole", "one side cut off"]
)
def test_the_airway_tells_the_midline_where_the_field_of_view_cuts_the_head(bones: np.ndarray, expected: float) -> None:
    assert midline_of_head(bones, NOTHING, columns(22, 28), 4.0) == pytest.approx(expected, abs=0.6)


@pytest.mark.parametrize(("is_left", "expected"), [(True, -1), (False, 40)])
def test_half_an_arch_lies_on_one_side(is_left: bool, expected: int) -> None:
    teeth = np.zeros((12, 12, 40), np.bool_)
    for row in range(12):
        column = 20 + row // 2 if is_left else 20 - row // 2
        teeth[:, row, column : column + 2] = True

    assert midline_of_head(columns(10, 30), teeth, columns(2, 8), 4.0) == expected


def test_a_whole_arch_tells_the_midline_by_its_foremost_place() -> None:
    teeth = np.zeros((12, 12, 40), np.bool_)
    for column in range(8, 27):
        row = round((column - 17) ** 2 / 9)
        teeth[:, row : row + 2, column] = True

    assert midline_of_head(columns(0, 40), teeth, NOTHING, 3.0) == pytest.approx(17, abs=0.6)


@pytest.mark.parametrize("bones", [columns(0, 40), columns(0, 20), columns(10, 30)], ids=["through", "cut", "narrow"])
def test_where_nothing_tells_the_midline_it_is_unknown(bones: np.ndarray) -> None:
    assert midline_of_head(bones, NOTHING, NOTHING, 2.2) is None


def test_a_cavity_that_reaches_over_the_midline_a_little_is_not_shared_out() -> None:
    right, left = columns(3, 17), columns(24, 36)
    midline = 14.5  # of a head that is not quite straight

    assert (pieces_on_side(right | left, midline, False, 2.2) == right).all()
    assert (pieces_on_side(right | left, midline, True, 2.2) == left).all()


def test_two_cavities_that_run_together_are_cut_at_the_midline() -> None:
    both = columns(10, 30)

    assert (pieces_on_side(both, 19.5, False, 2.5) == columns(10, 20)).all()
    assert (pieces_on_side(both, 19.5, True, 2.5) == columns(20, 30)).all()
