import numpy as np
import torch

from gnathos.training.appearance import choose_palette
from gnathos.training.chance import Chance
from gnathos.training.fine_renderer import CONTACT, FINE_CLASSES, core_of_teeth, fine_class_table, render_fine
from gnathos.training.tissues import MANDIBLE, Tissue, ToothPart, tooth_code


def test_the_same_seed_gives_the_same_scan(plain_anatomy):
    one, other = (render_fine(plain_anatomy, Chance(4, 2)) for _ in range(2))
    assert torch.equal(one.scan, other.scan)
    assert torch.equal(one.labels, other.labels)
    assert torch.equal(one.cores, other.cores)
    assert one.scan.shape == one.labels.shape == one.cores.shape
    assert all(edge % 16 == 0 for edge in one.scan.shape)


def test_left_and_right_share_a_place_and_neighbours_do_not(plain_anatomy):
    rendering = render_fine(plain_anatomy, Chance(9, 1))
    teeth = rendering.labels >= FINE_CLASSES.index("upper_teeth")
    assert bool(teeth.any())
    assert torch.equal(rendering.places > 0, teeth)
    assert rendering.places.max() <= 8


def test_a_lost_tooth_s_socket_is_bone():
    palette = choose_palette(Chance(1))
    palette.become(tooth_code(36, ToothPart.ROOT), Tissue.JAW_CORTEX, MANDIBLE)
    assert FINE_CLASSES[fine_class_table(palette)[tooth_code(36, ToothPart.ROOT)]] == "mandible"


def test_cores_of_touching_teeth_do_not_touch():
    teeth = torch.zeros(12, 12, 24, dtype=torch.long)
    teeth[2:10, 2:10, 2:12] = 5
    teeth[2:10, 2:10, 12:22] = 6
    core = core_of_teeth(teeth).numpy()
    assert core[5, 5, 5] == 1
    assert core[5, 5, 18] == 1
    assert (core[2:10, 2:10, 11:13] == CONTACT).all()
    assert np.argwhere(core == 1).min() == 3
    assert (core == CONTACT).sum() == 2 * 8 * 8
