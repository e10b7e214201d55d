"""Random scans with their labels, as the network sees them."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from gnathos.segmentation.normalise import AIR, normalise
from gnathos.training import appearance
from gnathos.training.appliances import with_appliances
from gnathos.training.chance import Chance
from gnathos.training.dentition import Jaws, change_dentition
from gnathos.training.scene import MULTIPLE, Anatomy, Growth, View, choose_view, places_in_atlas
from gnathos.training.tissues import BACKGROUND, Tissue


@dataclass(frozen=True)
class Rendering:
    """One scan on the network's grid."""

    scan: torch.Tensor
    """(slices, rows, columns) float32, normalised, padded to multiples of 16."""
    labels: torch.Tensor
    """Class of each voxel, int64."""
    cores: torch.Tensor | None = None
    """1 within a tooth and away from its surface, 2 where teeth meet; for networks that tell teeth apart. int64."""
    places: torch.Tensor | None = None
    """The place of the tooth that each voxel belongs to, 1-8 from the midline, 0 where there is none; int64."""


def render(anatomy: Anatomy, chance: Chance, one_subject: bool = False) -> Rendering:
    """A random scan of a random head.

    Args:
        one_subject: shape the head by one subject alone, not by a mixture.
    """
    picture = take_picture(choose_view(chance), anatomy, chance, one_subject)
    labels = torch.from_numpy(picture.palette.kind)[picture.codes.long()].long()
    labels[~picture.seen] = BACKGROUND
    return padded(torch.from_numpy(normalise(picture.value.numpy())), labels)


@dataclass(frozen=True)
class Picture:
    """One scan in a scanner's own gray values, and what it shows."""

    value: torch.Tensor
    """(slices, rows, columns) float32."""
    codes: torch.Tensor
    """Tissue of each voxel."""
    palette: appearance.Palette
    seen: torch.Tensor
    """Whether the voxel lies in the field of view."""


def take_picture(view: View, anatomy: Anatomy, chance: Chance, one_subject: bool = False) -> Picture:
    """A random head as a random scanner shows it; see `render`."""
    growth = Growth.choose(chance.apart())
    places = places_in_atlas(view, anatomy, chance, one_subject, growth)
    palette = appearance.choose_palette(chance)
    appearance.open_sockets(palette, chance.apart())
    anatomy = _with_own_teeth(anatomy, places, palette, growth, chance.apart())
    codes = with_appliances(anatomy.codes_at(places), view, chance)
    value = _tissue_values(places, codes, anatomy, palette)
    value = appearance.texture(value, codes.long(), palette, chance)
    value = appearance.scanner(appearance.streaks(value, chance), chance)
    value = appearance.truncation_rim(value, chance)
    seen = appearance.field_of_view(value, chance)
    value = appearance.gray_scale(value, chance)
    if seen is None:
        return Picture(value, codes, palette, torch.ones_like(codes, dtype=torch.bool))
    lowest = float(value.min())
    value[~seen] = lowest - (chance.uniform(0, 1000) if chance.happens(0.5) else 0.0)
    return Picture(value, codes, palette, seen)


def _with_own_teeth(
    anatomy: Anatomy, places: torch.Tensor, palette: appearance.Palette, growth: Growth, chance: Chance
) -> Anatomy:
    """The part of the anatomy that the scan shows, with teeth and ridges of its own."""
    if not anatomy.shows_teeth(places):
        return anatomy
    part = anatomy.around(places)
    jaws = Jaws(part.codes.numpy().reshape(part.edges), part.teeth, part.voxel_mm)
    change_dentition(jaws, palette, growth.is_child, chance)
    return part


def _tissue_values(
    places: torch.Tensor, codes: torch.Tensor, anatomy: Anatomy, palette: appearance.Palette
) -> torch.Tensor:
    """Mean values with the partial volumes of samples spread over each voxel."""
    means = torch.from_numpy(palette.mean)
    steps = [_to_the_next(places, axis) / 4 for axis in range(3)]
    value = torch.zeros(codes.shape)
    for signs in anatomy.samples:
        offset = sum(sign * step for sign, step in zip(signs, steps, strict=True))
        value += means[anatomy.codes_at(places + offset).int()]
    value /= len(anatomy.samples)
    return torch.where(codes == Tissue.DEVICE, means[Tissue.DEVICE], value)


def _to_the_next(places: torch.Tensor, axis: int) -> torch.Tensor:
    """From each voxel's place to that of the next along an axis; at the end as before it."""
    steps = places.diff(dim=axis)
    return torch.cat([steps, steps.narrow(axis, steps.shape[axis] - 1, 1)], axis)


def padded(scan: torch.Tensor, labels: torch.Tensor) -> Rendering:
    """Extended behind its ends to multiples of 16, as the engine does; the smallest scans by 16 more.

    Of a cube of 16 the deepest level has one voxel, which cannot be normalised in training.
    """
    smallest = all(edge <= MULTIPLE for edge in scan.shape)
    pad = [more for edge in reversed(scan.shape) for more in (0, -edge % MULTIPLE)]
    pad[1] += MULTIPLE if smallest else 0
    return Rendering(functional.pad(scan, pad, value=AIR), functional.pad(labels, pad, value=BACKGROUND))
