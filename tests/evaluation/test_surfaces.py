import numpy as np
import pytest

from gnathos.evaluation import measure_surfaces


def ball(shape, centre, radius, spacing=(1.0, 1.0, 1.0)):
    grid = np.ogrid[tuple(slice(0, n) for n in shape)]
    return sum(((g - c) * s) ** 2 for g, c, s in zip(grid, centre, spacing, strict=True)) <= radius**2


def cube(shape, first, edge):
    mask = np.zeros(shape, bool)
    mask[tuple(slice(a, a + edge) for a in first)] = True
    return mask


def test_equal_masks_are_no_distance_apart():
    mask = ball((40, 40, 40), (20, 20, 20), 12)
    surfaces = measure_surfaces(mask, mask, (0.5, 0.5, 0.5))
    assert surfaces.average_mm == 0
    assert surfaces.hausdorff_mm() == 0
    assert surfaces.share_within(0.0) == 1


def test_two_lone_voxels_score_as_published():
    """Values of google-deepmind/surface-distance for these two voxels."""
    reference, found = np.zeros((2, 100, 100, 100), bool)
    reference[50, 70, 60] = found[50, 72, 60] = True
    surfaces = measure_surfaces(reference, found, (3, 2, 1))
    assert surfaces.average_mm == pytest.approx(3)
    near = measure_surfaces(reference.transpose(0, 2, 1), found.transpose(0, 2, 1), (3, 2, 1))
    assert near.average_mm == pytest.approx(1.5)
    assert near.share_within(1.0) == pytest.approx(0.5)
    assert near.hausdorff_mm(100) == pytest.approx(2)


def test_shells_of_two_balls_are_their_radii_apart():
    inner = ball((80, 80, 80), (40, 40, 40), 16, (0.5,) * 3)
    outer = ball((80, 80, 80), (40, 40, 40), 18, (0.5,) * 3)
    surfaces = measure_surfaces(inner, outer, (0.5, 0.5, 0.5))
    assert surfaces.average_mm == pytest.approx(2.0, abs=0.3)
    assert surfaces.hausdorff_mm() == pytest.approx(2.0, abs=0.5)
    assert surfaces.share_within(1.0) == 0
    assert surfaces.share_within(2.5) == 1


def test_area_of_a_ball_comes_out_right():
    spacing = (1.0, 0.5, 0.25)
    mask = ball((50, 100, 200), (25, 50, 100), 15, spacing)
    surfaces = measure_surfaces(mask, mask, spacing)
    assert 1.0 < surfaces.reference_areas.sum() / (4 * np.pi * 15**2) < 1.2  # steps make a surface larger


def test_a_shifted_cube_differs_on_its_two_end_faces():
    reference, found = cube((40, 40, 40), (8, 8, 8), 20), cube((40, 40, 40), (11, 8, 8), 20)
    surfaces = measure_surfaces(reference, found, (1, 1, 1))
    assert surfaces.hausdorff_mm(100) == pytest.approx(3)
    assert 0.5 < surfaces.share_within(0.5) < 2 / 3
    assert surfaces.share_within(3.0) == 1


def test_distances_follow_the_spacing():
    reference, found = cube((40, 40, 40), (8, 8, 8), 20), cube((40, 40, 40), (11, 8, 8), 20)
    assert measure_surfaces(reference, found, (0.3, 1, 1)).hausdorff_mm(100) == pytest.approx(0.9)


def test_swapping_reference_and_result_changes_nothing():
    one, other = ball((40, 40, 40), (20, 20, 20), 9), ball((40, 40, 40), (21, 18, 20), 11)
    there, back = measure_surfaces(one, other, (1, 1, 2)), measure_surfaces(other, one, (1, 1, 2))
    assert there.average_mm == pytest.approx(back.average_mm)
    assert there.hausdorff_mm() == back.hausdorff_mm()
    assert there.share_within(1) == pytest.approx(back.share_within(1))


def test_an_empty_mask_has_no_surface():
    mask = ball((20, 20, 20), (10, 10, 10), 5)
    with pytest.raises(ValueError, match="empty"):
        measure_surfaces(mask, np.zeros_like(mask), (1, 1, 1))


def test_a_mask_at_the_border_of_the_grid_keeps_its_outer_surface():
    at_border, inside = cube((10, 10, 10), (0, 0, 0), 10), cube((12, 12, 12), (1, 1, 1), 10)
    areas = [measure_surfaces(mask, mask, (1, 1, 1)).reference_areas.sum() for mask in (at_border, inside)]
    assert areas[0] == pytest.approx(areas[1])
