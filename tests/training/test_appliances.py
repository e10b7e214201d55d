import torch

from gnathos.training.appliances import with_brackets, with_plate
from gnathos.training.chance import Chance
from gnathos.training.tissues import SOFT_TISSUE, Tissue, ToothPart, class_table, tooth_code


def test_brackets_lie_in_front_of_enamel_and_replace_no_tooth():
    codes = torch.full((20, 40, 40), Tissue.SOFT, dtype=torch.uint8)
    enamel = tooth_code(41, ToothPart.ENAMEL)
    codes[8:14, 10:14, 16:24] = enamel
    codes[8:14, 14:30, 16:24] = tooth_code(41, ToothPart.CROWN)

    bracketed = with_brackets(codes, 1.0)
    places = torch.nonzero(bracketed == Tissue.METAL)

    assert len(places)
    assert int(places[:, 1].max()) < 14, "none between the tooth and the tongue"
    assert 8 < int(places[:, 0].min()) <= int(places[:, 0].max()) < 13, "half-way up the crown"
    assert torch.equal(bracketed == enamel, codes == enamel)


def test_a_plate_lies_on_bone_and_is_no_bone():
    codes = torch.full((40, 40, 40), Tissue.SOFT, dtype=torch.uint8)
    codes[10:30, 10:30, 10:30] = Tissue.JAW_SHELL

    plated = with_plate(codes, 1.0, Chance(3))
    metal = plated == Tissue.METAL
    near = torch.zeros_like(metal)
    near[9:31, 9:31, 9:31] = True

    assert 10 < int(metal.sum()) < 1000
    assert bool((metal <= near).all())
    assert torch.equal(plated == Tissue.JAW_SHELL, codes == Tissue.JAW_SHELL)
    assert class_table()[Tissue.METAL] == SOFT_TISSUE


def test_where_there_is_nothing_to_fix_them_on_there_are_none():
    codes = torch.full((8, 8, 8), Tissue.SOFT, dtype=torch.uint8)
    assert torch.equal(with_plate(with_brackets(codes, 1.0), 1.0, Chance(1)), codes)
