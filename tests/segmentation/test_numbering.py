import numpy as np
import pytest

from gnathos.segmentation.fragments import Fragment
from gnathos.segmentation.numbering import PLACES_SEEN, fdi_of_state, find_midline, number_teeth

HALF_WIDTH_MM, DEPTH_MM = 25.0, 45.0
MIDLINE_MM = 13.0
"""The patients do not sit in the middle of the scanner."""
WIDTHS = {True: (9.0, 6.5, 7.8, 7.0, 6.6, 10.5, 9.5, 8.5), False: (5.3, 5.8, 7.0, 7.2, 7.2, 11.0, 10.5, 10.0)}


def arch(is_upper):
    """Centres by FDI of an arch that is a parabola, with teeth of unlike widths; x to the left, y to the back."""
    widths = WIDTHS[is_upper]
    x = np.linspace(0, 1.4, 400) * HALF_WIDTH_MM
    y = DEPTH_MM * (x / HALF_WIDTH_MM) ** 2
    length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    teeth = {}
    for place in range(1, 9):
        along = sum(widths[: place - 1]) + widths[place - 1] / 2
        dx, dy = np.interp(along, length, x), np.interp(along, length, y)
        for quadrant, side in ((1, -1), (2, 1)) if is_upper else ((4, -1), (3, 1)):
            teeth[quadrant * 10 + place] = (MIDLINE_MM + side * dx, dy, 3.0 * side)
    return teeth


def seen(teeth, wobble=0.0, seed=0):
    """Each tooth as one fragment."""
    noise = np.random.default_rng(seed)
    return [
        fragment(np.add(centre, noise.normal(0, wobble, 3)), place_seen(fdi) + noise.normal(0, wobble / 2), fdi)
        for fdi, centre in teeth.items()
    ]


def place_seen(fdi):
    """As the network answers."""
    return PLACES_SEEN[fdi < 30][fdi % 10 - 1]


def fragment(centre, place, fdi, share=1.0):
    """Of a round tooth as wide as such teeth are, or of a share of it."""
    spread = (0.87 * share * WIDTHS[fdi < 30][fdi % 10 - 1]) ** 2 / 12
    along = 40 * np.arctan2(centre[0] - MIDLINE_MM, 60 - centre[1])
    return Fragment(tuple(map(float, centre)), float(place), 500.0 * share, float(along), spread)


def alone(fragments):
    """Bonds of fragments that do not touch."""
    return np.full((len(fragments), len(fragments)), np.nan)


def answers(fragments, is_upper):
    return number_teeth(fragments, alone(fragments), is_upper)


def numbers(teeth, is_upper, **keywords):
    return [number.fdi for number in answers(seen(teeth, **keywords), is_upper)]


@pytest.mark.parametrize("is_upper", [True, False])
def test_a_whole_arch_is_numbered_with_left_and_right_from_the_patient(is_upper):
    teeth = arch(is_upper)
    answer = answers(seen(teeth), is_upper)
    assert [number.fdi for number in answer] == list(teeth)
    assert min(number.probability for number in answer) > 0.8


@pytest.mark.parametrize("is_upper", [True, False])
@pytest.mark.parametrize("lost", [(8,), (1, 6), (4, 5, 6)])
def test_gaps_are_left_open(is_upper, lost):
    quadrant = 1 if is_upper else 3
    teeth = {fdi: centre for fdi, centre in arch(is_upper).items() if fdi not in {quadrant * 10 + k for k in lost}}
    assert numbers(teeth, is_upper) == list(teeth)


def test_half_an_arch_is_told_by_which_way_it_runs():
    for quadrant in (1, 2):
        half = {fdi: centre for fdi, centre in arch(True).items() if fdi // 10 == quadrant and fdi % 10 > 2}
        assert numbers(half, True) == list(half)


def test_the_order_of_the_teeth_does_not_matter():
    teeth = arch(False)
    turned = dict(reversed(teeth.items()))
    assert numbers(turned, False) == list(turned)


def test_most_are_right_where_the_network_is_vague():
    right = total = 0
    for seed in range(20):
        teeth = arch(True)
        answer = numbers(teeth, True, wobble=1.0, seed=seed)
        right += sum(one == other for one, other in zip(answer, teeth, strict=True))
        total += len(teeth)
    assert right / total > 0.9


def test_one_too_many_is_called_none():
    teeth = arch(True)
    x, y, z = teeth[11]
    extra = fragment((x + 2, y - 6, z), 6.0, 16, share=0.3)
    answer = answers([*seen(teeth), extra], True)
    assert answer[-1].fdi is None
    assert [number.fdi for number in answer[:-1]] == list(teeth)


def test_no_number_is_given_twice_and_no_teeth_give_none():
    teeth = [fragment((MIDLINE_MM + x, 0.0, 0.0), 1.0, 11) for x in (-7.0, 0.0, 7.0)]
    given = [number.fdi for number in answers(teeth, True) if number.fdi]
    assert len(given) == len(set(given))
    assert answers([], True) == []


@pytest.mark.parametrize("is_upper", [True, False])
def test_fragments_of_one_tooth_are_joined_and_those_of_neighbours_are_not(is_upper):
    teeth = arch(is_upper)
    molar = 16 if is_upper else 36
    whole = seen({fdi: centre for fdi, centre in teeth.items() if fdi != molar})
    x, y, z = teeth[molar]
    roots = [fragment((x, y + step, z), 6.2, molar, share=0.5) for step in (-2.5, 2.5)]
    fragments = [*roots, *whole]
    bonds = alone(fragments)
    bonds[0, 1] = bonds[1, 0] = 2.0
    neighbour = 2 + [fdi for fdi in teeth if fdi != molar].index(molar - 1)
    bonds[0, neighbour] = bonds[neighbour, 0] = -2.0
    given = [number.fdi for number in number_teeth(fragments, bonds, is_upper)]
    assert given[:2] == [molar, molar]
    assert given[2:] == [fdi for fdi in teeth if fdi != molar]


def test_the_midline_lies_between_teeth_of_like_places():
    teeth = arch(True)
    x = np.array([centre[0] for centre in teeth.values()])
    places = np.array([fdi % 10 for fdi in teeth], float)
    assert find_midline(x, places) == pytest.approx(MIDLINE_MM, abs=0.5)
    right = np.array([fdi // 10 == 1 for fdi in teeth])
    assert find_midline(x[right], places[right]) > x[right].max()


def test_states_run_from_the_patients_right_to_the_left():
    assert [fdi_of_state(state, True) for state in (0, 7, 8, 15)] == [18, 11, 21, 28]
    assert [fdi_of_state(state, False) for state in (0, 7, 8, 15)] == [48, 41, 31, 38]
