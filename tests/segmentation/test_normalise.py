import numpy as np
import pytest

from gnathos.imaging import Volume
from gnathos.segmentation.normalise import AIR, BONE, CEILING, SOFT, Levels, as_hu, find_levels, normalise


def head(noise=20.0, seed=3):
    """A ball of soft tissue with a shell of bone in it, in air: Hounsfield units."""
    z, y, x = (np.ogrid[:48, :48, :48][k] - 24.0 for k in range(3))
    radius = np.sqrt(z**2 + y**2 + x**2)
    hu = np.where(radius < 21, 40.0, -1000.0)
    hu[(radius > 13) & (radius < 17)] = 1000
    return hu + np.random.default_rng(seed).normal(0, noise, hu.shape)


def levels_of(values):
    """Where the three tissues of `head` come to lie."""
    plain = head(noise=0)
    return [float(np.median(values[plain == level])) for level in (-1000, 40, 1000)]


def test_tissues_come_to_their_places():
    assert levels_of(normalise(head())) == pytest.approx([AIR, SOFT, BONE], abs=0.04)


@pytest.mark.parametrize(
    "scale",
    [
        lambda hu: hu + 1024,
        lambda hu: hu * 0.8,
        lambda hu: hu * 1.25 - 200,
        lambda hu: (hu + 1100) / 7,
        lambda hu: np.interp(hu, [-1100, -300, 300, 2000], [0, 900, 1300, 2400]),
        lambda hu: np.clip(hu, -1000, 3000).astype(np.int16),
    ],
)
def test_the_scanner_s_scale_does_not_matter(scale):
    assert levels_of(normalise(scale(head()))) == pytest.approx(levels_of(normalise(head())), abs=0.05)


def test_a_small_field_of_view_without_air_keeps_soft_tissue_and_bone_in_place():
    inner = head()[12:36, 12:36, 12:36]
    plain = head(noise=0)[12:36, 12:36, 12:36]
    values = normalise(inner)
    assert np.median(values[plain == 40]) == pytest.approx(SOFT, abs=0.04)
    assert np.median(values[plain == 1000]) == pytest.approx(BONE, abs=0.08)


def test_padding_moves_nothing():
    scan = head()
    y, x = np.ogrid[:48, :48]
    outside = np.broadcast_to((y - 24) ** 2 + (x - 24) ** 2 > 24**2, scan.shape)
    padded = np.where(outside, -3024.0, scan)
    assert levels_of(np.where(outside, np.nan, normalise(padded))) == pytest.approx([AIR, SOFT, BONE], abs=0.05) or (
        np.median(normalise(padded)[(head(0) == 40)]) == pytest.approx(SOFT, abs=0.05)
    )


def test_metal_does_not_darken_the_rest():
    scan = head()
    scan[22:25, 22:25, 10:13] = 20_000
    values = normalise(scan)
    assert levels_of(values) == pytest.approx([AIR, SOFT, BONE], abs=0.06)
    assert values.max() == CEILING


def test_the_order_of_gray_values_is_kept():
    values = np.sort(head().ravel())
    assert (np.diff(normalise(values)) >= 0).all()


@pytest.mark.parametrize("constant", [0, -1000.0, 7])
def test_an_empty_scan_is_answered_with_finite_values(constant):
    assert np.isfinite(normalise(np.full((16, 16, 16), constant))).all()


def test_values_that_are_not_numbers_are_left_out():
    scan = head()
    scan[:2] = np.nan
    assert find_levels(scan).soft == pytest.approx(40, abs=15)


@pytest.mark.parametrize("kind", [np.int16, np.uint16, np.float32])
def test_hounsfield_units_are_found_again_from_any_kind_of_number(kind) -> None:
    levels = Levels(air=0, soft=1000, bone=2000, lowest=0)
    voxels = np.array([[[0, 1000, 2000, 32000]]], kind)

    values = as_hu(Volume(voxels, np.eye(4)), levels).voxels

    assert values.dtype == np.float32
    assert values.ravel() == pytest.approx([-1000, 40, 1000, 3000])
