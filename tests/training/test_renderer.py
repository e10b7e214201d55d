import numpy as np
import pytest
import torch

from gnathos.training.appearance import choose_palette
from gnathos.training.atlas import CONDYLES_MM
from gnathos.training.chance import Chance
from gnathos.training.renderer import padded, render
from gnathos.training.scene import _close_mouth, choose_view
from gnathos.training.tissues import BACKGROUND, CLASSES, LOWER_TEETH, MANDIBLE, Tissue, ToothPart, tooth_code


class Sure(Chance):
    """A chance whose every number is known."""

    def __init__(self, value):
        super().__init__(1)
        self.value = value

    def uniform(self, low, high):
        return self.value if low == 0 and high == 28 else low

    def happens(self, probability):
        return False


def test_the_same_seed_gives_the_same_scan(plain_anatomy):
    one, other = (render(plain_anatomy, Chance(4, 2)) for _ in range(2))
    assert torch.equal(one.scan, other.scan)
    assert torch.equal(one.labels, other.labels)
    assert not torch.equal(one.scan, render(plain_anatomy, Chance(4, 3)).scan)


@pytest.mark.parametrize("seed", range(6))
def test_scans_are_finite_and_fit_the_network(plain_anatomy, seed):
    rendering = render(plain_anatomy, Chance(9, seed))
    assert all(edge % 16 == 0 for edge in rendering.scan.shape)
    assert rendering.scan.dtype == torch.float32
    assert torch.isfinite(rendering.scan).all()
    assert rendering.labels.shape == rendering.scan.shape
    assert 0 <= rendering.labels.min() <= rendering.labels.max() < len(CLASSES)


def test_some_fields_of_view_hold_no_jaw(plain_anatomy):
    jaws = [bool((render(plain_anatomy, Chance(2, seed)).labels == MANDIBLE).any()) for seed in range(25)]
    assert 2 <= jaws.count(False) <= 15


def test_views_stay_within_what_a_step_can_bear():
    for seed in range(200):
        view = choose_view(Chance(seed))
        assert np.prod(view.shape) <= 300_000
        assert 1.5 < view.spacing_mm < 6


def test_the_open_jaw_turns_as_a_whole_about_the_condyles(plain_atlas):
    follows = torch.from_numpy(plain_atlas.follows_jaw)[None, None]
    grid = torch.stack(
        torch.meshgrid(
            torch.arange(10.0, 40, 6), torch.arange(40.0, 90, 10), torch.arange(60.0, 120, 20), indexing="ij"
        ),
        -1,
    )
    closed = _close_mouth(grid - torch.tensor([20.0, 0, 0]), follows, Sure(20.0))
    hinge = torch.from_numpy(CONDYLES_MM).float()
    before, after = closed.reshape(-1, 3), (grid - torch.tensor([20.0, 0, 0])).reshape(-1, 3)
    assert torch.allclose(torch.cdist(before, before), torch.cdist(after, after), atol=0.05)
    assert ((before - after)[:, 0] > 10).all(), "what is low now was higher when the mouth was closed"
    assert torch.allclose(before[:, 2], after[:, 2], atol=1e-3), "the hinge runs from left to right"
    assert (before[:, 1] < hinge[1]).all()


def test_the_skull_stays_when_the_mouth_opens(plain_atlas):
    follows = torch.from_numpy(plain_atlas.follows_jaw)[None, None]
    above = torch.tensor([[[[90.0, 60, 90], [140, 100, 70]]]])
    assert torch.allclose(_close_mouth(above, follows, Sure(20.0)), above, atol=1.5)


def test_tissues_keep_the_order_that_x_rays_give_them():
    for seed in range(100):
        palette = choose_palette(Chance(seed))
        assert palette.mean[Tissue.AIR] < palette.mean[Tissue.SOFT] < palette.mean[Tissue.JAW_SHELL]


def test_a_lost_tooth_leaves_no_label_and_a_kept_one_does():
    kept = lost = 0
    for seed in range(60):
        palette = choose_palette(Chance(seed))
        kinds = {int(palette.kind[tooth_code(36, part)]) for part in (ToothPart.ENAMEL, ToothPart.CROWN)}
        kept += kinds == {LOWER_TEETH}
        lost += LOWER_TEETH not in kinds
    assert kept + lost == 60
    assert kept > 30
    assert lost > 4


def test_what_lies_beyond_the_padding_is_background(plain_anatomy):
    rendering = render(plain_anatomy, Chance(9, 1))
    padded = rendering.scan == rendering.scan[-1, -1, -1]
    assert (rendering.labels[padded][-5:] == BACKGROUND).all()


@pytest.mark.parametrize(("shape", "expected"), [((16, 9, 16), (16, 16, 32)), ((17, 16, 16), (32, 16, 16))])
def test_scans_are_extended_until_the_network_s_deepest_level_has_more_than_one_voxel(shape, expected):
    scan, labels = torch.rand(shape), torch.ones(shape, dtype=torch.long)
    rendering = padded(scan, labels)
    assert rendering.scan.shape == rendering.labels.shape == expected
    assert torch.equal(rendering.scan[tuple(slice(edge) for edge in shape)], scan)
    assert rendering.labels.sum() == scan.numel()
