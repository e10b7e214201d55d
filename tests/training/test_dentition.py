import numpy as np
import pytest
import torch
from scipy import ndimage

from gnathos.anatomy import PERMANENT_FDI, is_upper
from gnathos.training.appearance import choose_palette, has_open_socket, lost_teeth, open_sockets
from gnathos.training.chance import Chance
from gnathos.training.dentition import Jaws, change_dentition, crowd, erupt_late, find_teeth, impact, lower_ridge
from gnathos.training.fine_renderer import fine_class_table
from gnathos.training.scene import Growth
from gnathos.training.tissues import FIRST_TOOTH, PARTS_PER_TOOTH, Tissue, ToothPart, tooth_code

BONES = (Tissue.JAW_SHELL, Tissue.JAW_MARROW)
CREST = 45
ORIGIN_MM = np.array([0.0, 20.0, 31.5])
PLACES = [fdi for fdi in PERMANENT_FDI if not is_upper(fdi)]


class Certain(Chance):
    """Whatever may happen does."""

    def happens(self, probability):
        return True


def row_of_teeth():
    """A block of a lower jaw, 120 mm wide, with sixteen straight teeth whose roots are in it, and a canal."""
    codes = np.full((70, 40, 120), Tissue.SOFT, np.uint8)
    codes[5:CREST, 5:35] = Tissue.JAW_SHELL
    codes[7 : CREST - 2, 7:33, 2:-2] = Tissue.JAW_MARROW
    codes[10:12, 15:17] = Tissue.CANAL
    for k, fdi in enumerate([*range(48, 40, -1), *range(31, 39)]):
        column = 13 + 6 * k
        codes[33:CREST, 16:22, column : column + 4] = tooth_code(fdi, ToothPart.ROOT)
        codes[CREST:52, 16:22, column : column + 5] = tooth_code(fdi, ToothPart.CROWN)
    return codes


@pytest.fixture
def jaws():
    codes = row_of_teeth()
    return Jaws(codes, find_teeth(codes, ORIGIN_MM, 1.0), 1.0)


def voxels(codes, fdi):
    first = tooth_code(fdi, ToothPart.ENAMEL)
    return (codes >= first) & (codes < first + PARTS_PER_TOOTH)


def height(mask):
    return np.argwhere(mask)[:, 0].mean()


def pieces(mask):
    labels, count = ndimage.label(mask)
    return int((np.bincount(labels.ravel())[1:] > 20).sum()) if count else 0


def test_an_impacted_molar_lies_across_keeps_its_number_and_spares_the_canal(jaws):
    before = jaws.codes.copy()
    moved = impact(jaws, [38, 48], Certain(3, 1))
    assert moved == {38, 48}
    tilted = [fdi for fdi in moved if np.ptp(np.argwhere(voxels(jaws.codes, fdi))[:, 0]) < 16]
    assert tilted, "one of them no longer stands upright"
    for fdi in moved:
        assert voxels(jaws.codes, fdi).sum() > 0.7 * voxels(before, fdi).sum()
        assert pieces(voxels(jaws.codes, fdi)) == 1
    assert np.array_equal(jaws.codes == Tissue.CANAL, before == Tissue.CANAL)
    for fdi in set(PLACES) - moved:
        assert np.array_equal(voxels(jaws.codes, fdi), voxels(before, fdi)), "the others stay"


@pytest.mark.parametrize("seed", range(3))
def test_crowded_teeth_turn_and_shift_and_none_is_cut_up(jaws, seed):
    before = jaws.codes.copy()
    crowd(jaws, PLACES, 1.0, Chance(8, seed))
    shifted = 0
    for fdi in PLACES:
        now, was = voxels(jaws.codes, fdi), voxels(before, fdi)
        assert now.sum() > 0.45 * was.sum()
        assert pieces(now) == 1
        shifted += bool(np.linalg.norm(np.argwhere(now).mean(0) - np.argwhere(was).mean(0)) > 0.7)
    assert shifted > 4
    solid = np.isin(jaws.codes, BONES) | (jaws.codes >= FIRST_TOOTH) | (jaws.codes == Tissue.CANAL)
    assert pieces(solid) == 1, "bone with its teeth stays one piece"


def test_germs_lie_deeper_and_their_roots_are_short(jaws):
    before = jaws.codes.copy()
    waiting = erupt_late(jaws, PLACES, Chance(2, 5))
    germs = [fdi for fdi in waiting if voxels(jaws.codes, fdi).any()]
    assert germs
    for fdi in germs:
        crown = jaws.codes == tooth_code(fdi, ToothPart.CROWN)
        assert height(crown) < height(before == tooth_code(fdi, ToothPart.CROWN)) - 2
        assert voxels(jaws.codes, fdi).sum() < voxels(before, fdi).sum()


def test_a_shrunken_ridge_is_lower_where_teeth_are_gone_and_nowhere_else(jaws):
    before = jaws.codes.copy()
    lower_ridge(jaws, {34, 35, 36, 37}, upper=False, depth_mm=6.0)

    def crest_at(codes, fdi):
        column = round(jaws.teeth[fdi].middle[2])
        return int(np.flatnonzero(np.isin(codes[:, 26, column], BONES)).max())

    assert crest_at(jaws.codes, 35) <= crest_at(before, 35) - 4
    assert crest_at(jaws.codes, 42) == crest_at(before, 42)
    assert jaws.codes[crest_at(jaws.codes, 35), 26, round(jaws.teeth[35].middle[2])] == Tissue.JAW_SHELL
    assert np.array_equal(jaws.codes == Tissue.CANAL, before == Tissue.CANAL)
    assert np.array_equal(voxels(jaws.codes, 32), voxels(before, 32))


def test_an_open_socket_is_neither_tooth_nor_bone():
    found = 0
    for seed in range(40):
        palette = choose_palette(Chance(seed))
        open_sockets(palette, Chance(seed).apart())
        table = fine_class_table(palette)
        for fdi in lost_teeth(palette):
            if has_open_socket(palette, fdi):
                found += 1
                root = tooth_code(fdi, ToothPart.ROOT)
                assert table[root] == 0
                assert palette.mean[root] < palette.mean[Tissue.JAW_SHELL]
    assert found > 20


def test_the_same_seed_changes_the_same_teeth(jaws):
    first = jaws.codes.copy()
    results = []
    for _ in range(2):
        again = Jaws(first.copy(), jaws.teeth, 1.0)
        change_dentition(again, choose_palette(Chance(4)), True, Chance(4, 1))
        results.append(again.codes)
    assert np.array_equal(*results)
    assert not np.array_equal(results[0], first)


def test_a_stream_apart_leaves_the_other_as_it_was():
    one, other = Chance(6), Chance(6)
    apart = one.apart()
    assert apart.uniform(0, 1) != other.apart().apart().uniform(0, 1)
    assert one.uniform(0, 1) == other.uniform(0, 1)
    assert torch.equal(one.noise((2, 2, 2)), other.noise((2, 2, 2)))


def test_a_child_s_face_is_smaller_beneath_the_vault():
    child, adult = Growth(0.8, 0.8), Growth()
    chin, vertex = torch.tensor([20.0, 40, 90]), torch.tensor([180.0, 100, 90])

    def grows(place):
        middle = torch.tensor([105.0, 85, 91.5])
        return float((child.in_atlas(place) - middle).norm() / (adult.in_atlas(place) - middle).norm())

    assert grows(chin) > grows(vertex) > 1.1
    assert torch.allclose(adult.in_atlas(chin), chin, atol=1e-4)
