"""Random scans with their labels, as the network sees them."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from gnathos.segmentation.normalise import AIR, normalise
from gnathos.training import appearance
from gnathos.training.chance import Chance
from gnathos.training.scene import MULTIPLE, Anatomy, View, choose_view, places_in_atlas
from gnathos.training.tissues import BACKGROUND, Tissue


@dataclass(frozen=True)
class Rendering:
    """One scan on the network's grid."""

    scan: torch.Tensor
    """(slices, rows, columns) float32, normalised, padded to multiples of 16."""
    labels: torch.Tensor
    """Class of each voxel, int64."""


def render(anatomy: Anatomy, chance: Chance, one_subject: bool = False) -> Rendering:
    """A random scan of a random head.

    Args:
        one_subject: shape the head by one subject alone, not by a mixture.
    """
    view = choose_view(chance)
    places = places_in_atlas(view, anatomy, chance, one_subject)
    codes = _with_devices(anatomy.codes_at(places), view, chance)
    palette = appearance.choose_palette(chance)
    labels = torch.from_numpy(palette.kind)[codes.long()].long()
    value = _tissue_values(places, codes, anatomy, palette)
    value = appearance.texture(value, codes.long(), palette, chance)
    value = appearance.scanner(appearance.streaks(value, chance), chance)
    value = appearance.truncation_rim(value, chance)
    seen = appearance.field_of_view(value, chance)
    value = appearance.gray_scale(value, chance)
    if seen is not None:
        lowest = float(value.min())
        value[~seen] = lowest - (chance.uniform(0, 1000) if chance.happens(0.5) else 0.0)
        labels[~seen] = BACKGROUND
    return _padded(torch.from_numpy(normalise(value.numpy())), labels)


def _tissue_values(
    places: torch.Tensor, codes: torch.Tensor, anatomy: Anatomy, palette: appearance.Palette
) -> torch.Tensor:
    """Mean values with the partial volumes of eight samples a voxel."""
    fine = functional.interpolate(places.movedim(-1, 0)[None], scale_factor=2, mode="trilinear", align_corners=False)
    means = torch.from_numpy(palette.mean)
    sampled = means[anatomy.codes_at(fine[0].movedim(0, -1)).int()]
    value = functional.avg_pool3d(sampled[None, None], 2)[0, 0]
    return torch.where(codes == Tissue.DEVICE, means[Tissue.DEVICE], value)


def _with_devices(codes: torch.Tensor, view: View, chance: Chance) -> torch.Tensor:
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
    return codes.to(torch.uint8)


def _padded(scan: torch.Tensor, labels: torch.Tensor) -> Rendering:
    """Extended behind its ends to multiples of 16, as the engine does."""
    pad = [more for edge in reversed(scan.shape) for more in (0, -edge % MULTIPLE)]
    return Rendering(functional.pad(scan, pad, value=AIR), functional.pad(labels, pad, value=BACKGROUND))
