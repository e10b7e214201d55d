"""Random scans of parts of the jaws, for the network that tells teeth apart."""

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from gnathos.anatomy import PERMANENT_FDI
from gnathos.segmentation.normalise import CEILING, SOFT, normalise
from gnathos.training.appearance import Palette
from gnathos.training.atlas import MIDLINE_MM
from gnathos.training.chance import Chance
from gnathos.training.renderer import Rendering, padded, take_picture
from gnathos.training.scene import Anatomy, View
from gnathos.training.tissues import (
    BACKGROUND,
    CANALS,
    CODES,
    FIRST_TOOTH,
    LOWER_TEETH,
    MANDIBLE,
    PARTS_PER_TOOTH,
    SKULL,
    UPPER_TEETH,
)

FINE_SPACING_MM = 0.8
CONTACT = 2
"""Marks, among cores, the voxels where teeth meet: few, and what tells teeth apart."""
FINE_CLASSES = ("background", "skull", "mandible", "canal", "upper_teeth", "lower_teeth")
"""The fine network's classes, in the order of its first channels."""
_FIRST_TOOTH_CLASS = FINE_CLASSES.index("upper_teeth")
_CLASS_OF = {SKULL: 1, MANDIBLE: 2, CANALS: 3, UPPER_TEETH: 4, LOWER_TEETH: 5}

_SHAPES = {(64, 80, 80): 0.6, (48, 96, 128): 0.25, (80, 96, 112): 0.15}
"""Most views are small, for steps to be quick; some show an arch whole, as at work."""


def render_fine(anatomy: Anatomy, chance: Chance, one_subject: bool = False) -> Rendering:
    """A random scan of a part of the jaws; see `renderer.render`.

    Args:
        anatomy: with its fine codes.
        one_subject: shape the head by one subject alone, not by a mixture.
    """
    picture = take_picture(_choose_view(chance), anatomy, chance, one_subject)
    value = _large_voxels(picture.value, chance) if chance.happens(0.2) else picture.value
    labels = torch.from_numpy(fine_class_table(picture.palette))[picture.codes.long()].long()
    labels[~picture.seen] = BACKGROUND
    gray = _jitter(torch.from_numpy(normalise(value.numpy())), chance)
    teeth = torch.where(labels >= _FIRST_TOOTH_CLASS, (picture.codes.long() - FIRST_TOOTH) // PARTS_PER_TOOTH + 1, 0)
    cores, places = core_of_teeth(teeth), _PLACES[teeth]
    plain = padded(gray, labels)
    return Rendering(plain.scan, plain.labels, _as_large_as(plain.scan, cores), _as_large_as(plain.scan, places))


def _choose_view(chance: Chance) -> View:
    shapes = list(_SHAPES)
    shape = shapes[int(chance.numbers.choice(len(shapes), p=list(_SHAPES.values())))]
    spacing = FINE_SPACING_MM * chance.uniform(0.9, 1.12)
    u = chance.uniform
    if shape != shapes[0]:
        centre = (u(45, 72), u(60, 85), MIDLINE_MM + u(-12, 12))
    elif chance.happens(0.75):
        centre = (u(35, 78), u(42, 95), MIDLINE_MM + u(-35, 35))
    else:
        centre = (u(15, 112), u(35, 122), MIDLINE_MM + u(-55, 55))
    return View(shape, spacing, centre)


def fine_class_table(palette: Palette) -> npt.NDArray[np.uint8]:
    """(CODES,) class of each code in a scan whose teeth may be lost or replaced."""
    table = np.zeros(CODES, np.uint8)
    for kind, fine in _CLASS_OF.items():
        table[palette.kind == kind] = fine
    return table


_PLACES = torch.tensor([0, *(fdi % 10 for fdi in PERMANENT_FDI)])
"""Counted from the midline, by a tooth's position in the list of all, from one on."""


def core_of_teeth(teeth: torch.Tensor) -> torch.Tensor:
    """1 in voxels all of whose six neighbours belong to the same tooth, `CONTACT` where teeth meet, else 0.

    Args:
        teeth: (slices, rows, columns) a number for each tooth, 0 elsewhere.
    """
    core, contact = teeth > 0, torch.zeros_like(teeth, dtype=torch.bool)
    for axis, edge in enumerate(teeth.shape):
        after, before = teeth.narrow(axis, 1, edge - 1), teeth.narrow(axis, 0, edge - 1)
        same = after == before
        meet = ~same & (after > 0) & (before > 0)
        for start in (0, 1):
            core.narrow(axis, start, edge - 1).logical_and_(same)
            contact.narrow(axis, start, edge - 1).logical_or_(meet)
    return torch.where(contact, CONTACT, core.long())


def _as_large_as(padded_scan: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Extended with nothing behind its ends, as the scan was."""
    ends = zip(reversed(values.shape), reversed(padded_scan.shape), strict=True)
    return functional.pad(values, [more for small, large in ends for more in (0, large - small)])


def _large_voxels(value: torch.Tensor, chance: Chance) -> torch.Tensor:
    """As scanned with voxels of 1-3 mm, along some of the axes, and interpolated."""
    shape = [max(6, round(edge / chance.uniform(1.0, 3.5))) for edge in value.shape]
    few = functional.interpolate(value[None, None], size=shape, mode="area")
    return functional.interpolate(few, size=value.shape, mode="trilinear")[0, 0]


def _jitter(gray: torch.Tensor, chance: Chance) -> torch.Tensor:
    """Levels found in other parts of a scan differ somewhat."""
    gain, offset = chance.uniform(0.85, 1.18), chance.uniform(-0.03, 0.03)
    return (SOFT + offset + (gray - SOFT) * gain).clamp(max=CEILING)
