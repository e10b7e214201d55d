"""What scans show besides the patient: rests and rods around the head, plates on bone, brackets on teeth."""

import torch
from torch.nn import functional

from gnathos.training.chance import Chance
from gnathos.training.scene import View
from gnathos.training.tissues import CODES, FIRST_TOOTH, PARTS_PER_TOOTH, Tissue, ToothPart

_BONE_SURFACES = (Tissue.JAW_SHELL, Tissue.SKULL_SHELL)
BRACKET_MM = 1.2
"""How far in front of enamel brackets and their wire lie."""
WIRE_HALF_MM = 1.5
PLATE_REACH_MM, PLATE_HALF_MM = 14.0, 2.5


def with_appliances(codes: torch.Tensor, view: View, chance: Chance) -> torch.Tensor:
    """Tissue codes with what else is there, uint8, in some scans."""
    codes = _with_rests(codes, view, chance)
    if chance.happens(0.06):
        codes = with_brackets(codes, view.spacing_mm)
    if chance.happens(0.06):
        codes = with_plate(codes, view.spacing_mm, chance)
    return codes.to(torch.uint8)


def _with_rests(codes: torch.Tensor, view: View, chance: Chance) -> torch.Tensor:
    """Head rests, chin rests, rods and specks: bright, and no part of the patient."""
    grid = torch.stack(
        torch.meshgrid(*(torch.arange(edge, dtype=torch.float32) for edge in view.shape), indexing="ij"), -1
    )
    size = torch.tensor(view.shape, dtype=torch.float32)
    if chance.happens(0.35):
        for _ in range(chance.count(1, 2)):
            middle = torch.tensor([chance.uniform(-0.3, 1.3) for _ in range(3)]) * size
            far = (grid - middle).norm(dim=-1)
            shell = (far - chance.uniform(0.2, 1.0) * float(size.max())).abs() < chance.uniform(0.5, 2.5)
            codes = torch.where(shell & (codes == Tissue.AIR), Tissue.DEVICE, codes)
    if chance.happens(0.25):
        for _ in range(chance.count(1, 4)):
            middle = torch.tensor([chance.uniform(0, 1) for _ in range(3)]) * size
            speck = (grid - middle).norm(dim=-1) < chance.uniform(0.7, 2.5)
            codes = torch.where(speck & (codes <= Tissue.SKIN_OUTER), Tissue.HYOID, codes)
    return codes


def with_brackets(codes: torch.Tensor, spacing_mm: float) -> torch.Tensor:
    """A wire with brackets around all enamel, half-way up, on the side of lips and cheeks.

    Args:
        codes: (slices, rows, columns); rows run to the back.
        spacing_mm: edge of the voxels.
    """
    places = torch.nonzero(_is_enamel(codes)).float()
    if not len(places):
        return codes
    half_way = (places[:, 0] - places[:, 0].median()).abs() * spacing_mm < WIRE_HALF_MM
    behind = torch.stack([places[:, 1].max(), places[:, 2].mean()])
    outwards = functional.normalize(places[:, 1:] - behind, dim=1)
    places[:, 1:] += outwards * max(BRACKET_MM / spacing_mm, 1.0)
    edges = torch.tensor(codes.shape)
    indices = places[half_way].round().long().clamp(min=torch.zeros(3, dtype=torch.long), max=edges - 1)
    metal = torch.zeros_like(codes, dtype=torch.bool)
    metal[tuple(indices.T)] = True
    return torch.where(metal & (codes <= Tissue.BITE), Tissue.METAL, codes)


def _is_enamel(codes: torch.Tensor) -> torch.Tensor:
    table = torch.zeros(CODES, dtype=torch.bool)
    table[FIRST_TOOTH + ToothPart.ENAMEL :: PARTS_PER_TOOTH] = True
    return table[codes.long()]


def with_plate(codes: torch.Tensor, spacing_mm: float, chance: Chance) -> torch.Tensor:
    """A strip of metal on the surface of a bone somewhere, a voxel thick.

    Args:
        codes: (slices, rows, columns).
        spacing_mm: edge of the voxels.
        chance: says where.
    """
    surface = torch.isin(codes, torch.tensor(_BONE_SURFACES, dtype=codes.dtype))
    places = torch.nonzero(surface)
    if not len(places):
        return codes
    middle = places[chance.count(0, len(places) - 1)].float()
    lines = [torch.arange(edge, dtype=torch.float32) - centre for edge, centre in zip(codes.shape, middle, strict=True)]
    offsets = torch.stack(torch.meshgrid(*lines, indexing="ij"), -1) * spacing_mm
    across = functional.normalize(torch.tensor([chance.normal(1) for _ in range(3)]), dim=0)
    strip = (offsets.norm(dim=-1) < PLATE_REACH_MM) & ((offsets @ across).abs() < PLATE_HALF_MM)
    beside = functional.max_pool3d(surface[None, None].float(), 3, stride=1, padding=1)[0, 0] > 0
    return torch.where(strip & beside & (codes <= Tissue.SKIN_OUTER), Tissue.METAL, codes)
