import numpy as np
import pytest
import trimesh
from scipy import ndimage

from gnathos.training.atlas import FINE_MM, points_on, surface_mask
from gnathos.training.evaluate import Heads, heldout_scans
from gnathos.training.second_head import lower_crowns, root_of

SPACING_MM = 2.5
NUMBERS = [*range(31, 38), *range(41, 48)]


@pytest.fixture(scope="module")
def crowns():
    """Of a jaw that is a horseshoe 9 mm wide, from z = 20 to where teeth end."""
    z, y, x = (axis * FINE_MM for axis in np.ogrid[:122, :160, :276])
    far = np.hypot((x - 91.5) / 25, (y - 75) / 40)
    horseshoe = (far < 1) & (far > 0.7) & (y < 90)
    jaw = horseshoe & (z > 20) & (z < 57)
    return jaw, lower_crowns(jaw)


def test_lower_teeth_are_numbered_from_the_midline_on_either_side(crowns):
    _, teeth = crowns
    middles = {fdi: np.argwhere(tooth).mean(0) * FINE_MM for fdi, tooth in teeth.items()}

    assert sorted(teeth) == NUMBERS
    for quadrant, sign in ((30, 1), (40, -1)):
        side = np.array([middles[quadrant + place] for place in range(1, 8)])
        assert (sign * (side[:, 2] - 91.5) > 0).all()
        assert (np.diff(side[:, 1]) > 0).all()


def test_lower_crowns_are_all_that_stands_above_the_ridge_and_no_more(crowns):
    jaw, teeth = crowns
    count = np.sum([*teeth.values()], axis=0)

    assert count.max() == 1
    assert not (count.astype(bool) & ~jaw).any()
    assert np.argwhere(count).min(0)[0] * FINE_MM > 50
    assert 8 < np.ptp(np.argwhere(teeth[36])[:, 1]) * FINE_MM < 16


@pytest.mark.parametrize("number", [16, 46])
def test_a_root_narrows_from_its_crown_into_the_bone(number):
    crown = np.zeros((60, 24, 24), bool)
    crown[26:36, 2:22, 2:22] = True
    areas = root_of(crown, number).sum((1, 2))
    if number == 46:
        areas = areas[::-1]

    assert not areas[:34].any() if number == 46 else not areas[:36].any()
    root = areas[areas > 0]
    assert root.size == 22
    assert (np.diff(root) <= 0).all()
    assert root[0] < 20 * 20


def test_a_closed_surface_becomes_a_solid_of_its_volume():
    ball = trimesh.creation.icosphere(subdivisions=3, radius=10.0)
    points = points_on(ball.vertices[:, ::-1] + 15, ball.faces, 0.6 * FINE_MM)
    solid = ndimage.binary_fill_holes(surface_mask(points, FINE_MM, (60, 60, 60)))

    assert solid.sum() * FINE_MM**3 == pytest.approx(4 / 3 * np.pi * 10.25**3, rel=0.03)  # half a voxel thicker


def test_scans_of_other_heads_are_drawn_once_with_their_own_fields_of_view(plain_anatomy, tmp_path):
    loads = []

    def load(anatomy, cache):
        loads.append((anatomy, cache))
        return plain_anatomy

    heads = Heads(load, {"small": 1.0}, ("mandible",), "others")
    first, again = (list(heldout_scans(tmp_path, tmp_path, 3, 1, SPACING_MM, heads)) for _ in range(2))

    assert loads == [(tmp_path, tmp_path)]
    assert len(list((tmp_path / "others").iterdir())) == 1
    assert [scan.kind for scan in first] == ["small"]
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.volume.voxels, other.volume.voxels)
        assert np.array_equal(one.labels, other.labels)
