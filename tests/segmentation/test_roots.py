"""A root in bone, of which the network is wrong by half a millimetre."""

import numpy as np
import pytest
from scipy import ndimage

from gnathos.imaging import Volume
from gnathos.segmentation.network import CoarseAnatomy
from gnathos.segmentation.normalise import Levels
from gnathos.segmentation.roots import contrast_of_roots

SPACING_MM, SHAPE, RADIUS_MM, WRONG_BY_MM = 0.8, (20, 40, 40), 6.0, 0.5
LEVELS = Levels(air=-1000, soft=40, bone=1000, lowest=-1000)


def inside_mm():
    _, rows, columns = ((np.indices(SHAPE) - 19.5) * SPACING_MM).astype(np.float32)
    return RADIUS_MM - np.hypot(rows, columns)


def anatomy(dentine, bone):
    gray = ndimage.gaussian_filter(np.where(inside_mm() > 0, dentine, bone).astype(np.float32), 0.5)
    gray += np.random.default_rng(1).normal(0, 40, SHAPE).astype(np.float32)
    tooth = np.clip(0.5 + (inside_mm() + WRONG_BY_MM) / 1.6, 0, 1)
    scan = Volume(gray, np.diag([SPACING_MM] * 3 + [1.0]))
    return CoarseAnatomy(np.stack([tooth, 1 - tooth]), ("lower_teeth", "mandible"), scan, LEVELS)


def wrong_share(probability):
    true = inside_mm() > 0
    return ((probability > 0.5) != true).sum() / true.sum()


def weighed(seen):
    contrast = contrast_of_roots(seen, LEVELS)
    gray = seen.grid.with_voxels(LEVELS.normalise(seen.grid.voxels) * 2000)
    return contrast, contrast.weigh(seen.probability("lower_teeth"), gray)


def test_gray_values_move_a_root_s_border_to_where_it_is():
    seen = anatomy(dentine=1500, bone=900)
    _, told = weighed(seen)
    assert wrong_share(told) < 0.5 * wrong_share(seen.probability("lower_teeth"))


def test_the_level_lies_half_way():
    contrast, _ = weighed(anatomy(dentine=1500, bone=900))
    near = np.abs(inside_mm()) < 0.5
    hu = LEVELS.normalise(np.array([900.0, 1500.0])).mean() * 2000
    assert contrast.level.voxels[near].mean() == pytest.approx(hu, abs=60)
    assert (contrast.slope.voxels[near] > 0).all()


@pytest.mark.parametrize("dentine", [900, 700])
def test_where_tooth_is_no_brighter_than_bone_the_network_s_word_stands(dentine):
    seen = anatomy(dentine=dentine, bone=900)
    _, told = weighed(seen)
    before = seen.probability("lower_teeth")
    assert np.mean((told > 0.5) != (before > 0.5)) < 0.02
