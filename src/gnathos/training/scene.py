"""Where a random scan looks, and how the head in it is bent: from voxels of the scan to places in the atlas."""

import copy
import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from gnathos.training.atlas import ATLAS_MM, CONDYLES_MM, FINE_MM, MIDLINE_MM, ORIGIN_MM, SHAPE, Atlas, Codes
from gnathos.training.chance import Chance, Shape
from gnathos.training.dentition import Tooth, find_teeth
from gnathos.training.shapes import Field, Shapes

MULTIPLE = 16
_MOST_VOXELS, _MOST_OF_A_HEAD = 180_000, 300_000
FINE_VIEW_MM = 1.2
"""Views with smaller voxels are bent on every other one."""


@dataclass(frozen=True)
class View:
    """What is scanned: a box of voxels somewhere in the atlas."""

    shape: Shape
    spacing_mm: float
    centre_mm: tuple[float, float, float]
    """(z, y, x) in the atlas."""
    is_whole: bool = False
    """Whether air is around the head on most sides."""


_VIEWS = {
    "head": 0.15,
    "part of a head": 0.2,
    "jaws": 0.26,
    "small": 0.14,
    "no jaw": 0.25,
}


def choose_view(chance: Chance) -> View:
    """A random field of view: heads, jaws, halves of an arch, and places without any jaw."""
    kind = str(chance.numbers.choice(list(_VIEWS), p=list(_VIEWS.values())))
    spacing = 2.2 * chance.uniform(0.86, 1.16)
    if chance.happens(0.25):
        spacing = chance.uniform(1.6, 3.2)
    if kind == "head":
        spacing = chance.uniform(2.2, 3.3)
    extent, centre = _box(kind, chance)
    return _view(extent, centre, spacing, kind == "head")


def _box(kind: str, chance: Chance) -> tuple[list[float], tuple[float, float, float]]:
    """Extent and centre in millimetres."""
    u = chance.uniform
    if kind == "head":
        return [u(190, 270), u(190, 250), u(170, 220)], (u(60, 110), u(85, 110), MIDLINE_MM + u(-10, 10))
    if kind == "part of a head":
        return [u(110, 170), u(130, 180), u(130, 180)], (u(0, 150), u(50, 140), MIDLINE_MM + u(-30, 30))
    if kind == "jaws":
        return [u(75, 150), u(95, 160), u(110, 170)], (u(40, 90), u(55, 95), MIDLINE_MM + u(-12, 12))
    if kind == "small":
        return [u(40, 95), u(45, 105), u(45, 105)], (u(30, 100), u(40, 105), MIDLINE_MM + u(-42, 42))
    return _box_without_jaw(chance)


def _box_without_jaw(chance: Chance) -> tuple[list[float], tuple[float, float, float]]:
    u = chance.uniform
    height = u(60, 140)
    place = chance.numbers.random()
    if place < 0.6:  # the vault, down to the orbits, the ears or the condyles
        lowest = u(88, 112) if chance.happens(0.6) else u(112, 135)
        return [height, u(130, 240), u(120, 200)], (lowest + height / 2, u(80, 130), MIDLINE_MM + u(-25, 25))
    if place < 0.8:  # neck and spine
        return [height, u(90, 180), u(90, 180)], (u(-10, 12) - height / 2, u(95, 135), MIDLINE_MM + u(-20, 20))
    if place < 0.92:  # the middle of the face
        return [u(40, 80), u(70, 110), u(70, 120)], (u(125, 150), u(50, 80), MIDLINE_MM + u(-20, 20))
    return [u(60, 130), u(50, 80), u(80, 160)], (u(30, 120), u(165, 190), MIDLINE_MM + u(-20, 20))  # behind it all


def _view(extent: list[float], centre: tuple[float, float, float], spacing: float, is_whole: bool) -> View:
    edges = [max(MULTIPLE, round(length / spacing)) for length in extent]
    while edges[0] * edges[1] * edges[2] > (_MOST_OF_A_HEAD if is_whole else _MOST_VOXELS):
        if is_whole:
            spacing *= 1.03
            edges = [max(MULTIPLE, round(length / spacing)) for length in extent]
        else:
            edges[int(np.argmax(edges))] -= 4
    return View((edges[0], edges[1], edges[2]), spacing, centre, is_whole)


IntTriple = npt.NDArray[np.int64]
_ROOM_MM = 12.0
_MARGIN = 4
_CORNERS = tuple(itertools.product((-1, 1), repeat=3))
_TETRAHEDRON = ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))
"""Where a voxel is sampled, in quarters of its edges: enough where it is not much larger than the atlas's."""


class Anatomy:
    """The atlas and the shapes, as tensors ready to be sampled."""

    def __init__(self, atlas: Atlas, shapes: Shapes | None, fine_codes: Codes | None = None) -> None:
        """Take the atlas's own codes, or those of its fine grid."""
        codes = atlas.codes if fine_codes is None else fine_codes
        self.origin_mm = ORIGIN_MM
        self.voxel_mm = ATLAS_MM if fine_codes is None else FINE_MM
        self.edges = codes.shape
        self.codes = torch.from_numpy(codes.reshape(-1))
        self.samples = _CORNERS if fine_codes is None else _TETRAHEDRON
        self.follows_jaw = torch.from_numpy(atlas.follows_jaw)[None, None]
        self.shapes = shapes

    @cached_property
    def teeth(self) -> dict[int, Tooth]:
        """By number; their places are voxels of the codes."""
        return find_teeth(self.codes.numpy().reshape(self.edges), self.origin_mm, self.voxel_mm)

    @cached_property
    def _jaws(self) -> tuple[IntTriple, IntTriple]:
        """First and last voxel of a box with all teeth and room to move them."""
        margin = round(_ROOM_MM / self.voxel_mm)
        first = np.array([tooth.first for tooth in self.teeth.values()])
        after = first + np.array([tooth.parts.shape for tooth in self.teeth.values()])
        return first.min(0) - margin, after.max(0) + margin

    def shows_teeth(self, places_mm: torch.Tensor) -> bool:
        """Whether the box around those places and that around the teeth meet."""
        if not self.teeth:
            return False
        (low, high), (first, after) = self._box(places_mm), self._jaws
        return bool(((low < after) & (high > first)).all())

    def around(self, places_mm: torch.Tensor) -> "Anatomy":
        """A copy of the part with those places and with all teeth, for its codes to be changed."""
        (low, high), (first, after) = self._box(places_mm), self._jaws
        low, high = np.maximum(np.minimum(low, first), 0), np.minimum(np.maximum(high, after), self.edges)
        codes = self.codes.numpy().reshape(self.edges)[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
        part = copy.copy(self)
        part.edges = codes.shape
        part.codes = torch.from_numpy(codes.copy().reshape(-1))
        part.origin_mm = self.origin_mm + low * self.voxel_mm
        part.teeth = {fdi: tooth.moved(-low) for fdi, tooth in self.teeth.items()}
        return part

    def _box(self, places_mm: torch.Tensor) -> tuple[IntTriple, IntTriple]:
        """First and last voxel of the box around places, with a margin for samples beside them."""
        ends = np.array([[float(end) for end in torch.aminmax(line)] for line in places_mm.unbind(-1)])
        low, high = (ends.T - self.origin_mm) / self.voxel_mm
        return np.floor(low).astype(int) - _MARGIN, np.ceil(high).astype(int) + _MARGIN

    def codes_at(self, places_mm: torch.Tensor) -> torch.Tensor:
        """Tissue codes at places (..., 3) of the atlas; beyond its ends what is at the end."""
        flat = torch.zeros(places_mm.shape[:-1], dtype=torch.int32)
        for axis, (place, edge) in enumerate(zip(places_mm.unbind(-1), self.edges, strict=True)):
            index = place.sub(self.origin_mm[axis]).div_(self.voxel_mm).round_().clamp_(0, edge - 1)
            flat.mul_(edge).add_(index.to(torch.int32))
        return self.codes.index_select(0, flat.view(-1)).view(flat.shape)


_ORBITS_MM = torch.tensor([105.0, 85.0, MIDLINE_MM])
_FACE_MM = 40.0
"""So far below the orbits begins what is all face."""


@dataclass(frozen=True)
class Growth:
    """How large a head is beside those of the usual adults, and how much smaller yet its face."""

    size: float = 1.0
    face: float = 1.0

    @property
    def is_child(self) -> bool:
        """Whether teeth are still to come."""
        return self.face < 1

    def in_atlas(self, places_mm: torch.Tensor) -> torch.Tensor:
        """Where in the atlas the places (..., 3) of this head lie; between the orbits nothing moves."""
        far = (places_mm - _ORBITS_MM) / self.size
        share = (far[..., :1] / -_FACE_MM).clamp(0, 1)
        return _ORBITS_MM + far * (1 + (1 / self.face - 1) * share)

    @staticmethod
    def choose(chance: Chance) -> "Growth":
        """Mostly the usual; some children, whose faces are small beneath the vault, and some large adults."""
        kind = chance.numbers.random()
        if kind < 0.12:
            age = chance.uniform(0, 1)
            return Growth(0.85 + 0.12 * age, 0.72 + 0.2 * age)
        return Growth(chance.uniform(1.05, 1.15)) if kind < 0.18 else Growth()


ADULT = Growth()


def places_in_atlas(
    view: View, anatomy: Anatomy, chance: Chance, one_subject: bool = False, growth: Growth = ADULT
) -> torch.Tensor:
    """(*shape, 3) place in the atlas (z, y, x), in millimetres, that each voxel of the scan shows.

    Args:
        one_subject: take one subject's shape as it is, not a mixture.
        growth: of a child, or of a large adult.
    """
    edges = [torch.arange(edge, dtype=torch.float32) - (edge - 1) / 2 for edge in view.shape]
    grid = torch.stack(torch.meshgrid(*edges, indexing="ij"), -1) * view.spacing_mm
    centre = torch.tensor(view.centre_mm)
    places = grid @ _pose(chance).T + centre
    places = _grown(places, growth, view.centre_mm) + _smooth_warp(view, chance)
    if anatomy.shapes is not None and chance.happens(0.85):
        places = places + _sample_field(anatomy.shapes.mix(_weights(anatomy.shapes, chance, one_subject)), places)
    return _close_mouth(places, anatomy.follows_jaw, chance, 2 if view.spacing_mm < FINE_VIEW_MM else 1)


def _pose(chance: Chance) -> torch.Tensor:
    """Tilt, size and proportions of the head, and which side is which: no class is left or right."""
    tilt, roll, turn = np.deg2rad([chance.normal(11), chance.normal(7), chance.normal(9)])
    pose = _rotation(2, tilt) @ _rotation(1, roll) @ _rotation(0, turn)
    size = np.diag(chance.numbers.uniform(0.88, 1.15, 3) * chance.uniform(0.88, 1.15))
    if chance.happens(0.5):
        size[2, 2] *= -1
    matrix = pose @ size
    return torch.from_numpy(matrix).float()


def _grown(places: torch.Tensor, growth: Growth, centre_mm: tuple[float, float, float]) -> torch.Tensor:
    """From places in a smaller or larger head to those in the atlas, the same of which is in the view's centre."""
    if growth == ADULT:
        return places
    centre = torch.tensor(centre_mm)
    own = centre
    for _ in range(8):
        own = own + (centre - growth.in_atlas(own)) * growth.size * growth.face
    return growth.in_atlas(places + (own - centre))


def _rotation(axis: int, angle: float) -> npt.NDArray[np.float64]:
    """Rotation of (z, y, x) about one of them."""
    matrix = np.eye(3)
    a, b = [k for k in range(3) if k != axis]
    matrix[a, a] = matrix[b, b] = np.cos(angle)
    matrix[a, b], matrix[b, a] = -np.sin(angle), np.sin(angle)
    return matrix


def _smooth_warp(view: View, chance: Chance) -> torch.Tensor:
    """(*shape, 3) displacement: few large waves and many small ones."""
    longest = max(view.shape) * view.spacing_mm
    total = torch.zeros((3, *view.shape))
    for wave_mm, most in ((55.0, 5.0), (25.0, 2.2), (11.0, 0.9)):
        total += chance.field(max(3, round(longest / wave_mm)), view.shape, 3) * chance.uniform(0, most)
    return total.movedim(0, -1)


def _weights(shapes: Shapes, chance: Chance, one_subject: bool) -> npt.NDArray[np.float64]:
    """How much of each subject: a mixture of three, sometimes a little beyond."""
    weights = np.zeros(len(shapes.names))
    if one_subject:
        weights[chance.count(0, len(weights) - 1)] = 1.0
        return weights
    chosen = chance.numbers.choice(len(weights), min(3, len(weights)), replace=False)
    weights[chosen] = chance.numbers.dirichlet(np.full(len(chosen), 0.7)) * chance.uniform(0.7, 1.15)
    return weights


def _sample_field(field: Field, places_mm: torch.Tensor) -> torch.Tensor:
    """(*shape, 3) displacement at places of the atlas."""
    volume = torch.from_numpy(field)[None]
    sampled = functional.grid_sample(volume, _relative(places_mm), padding_mode="border", align_corners=True)
    return sampled[0].movedim(0, -1)


def _relative(places_mm: torch.Tensor) -> torch.Tensor:
    """(1, *shape, 3) places as `grid_sample` takes them: (x, y, z) from -1 to 1 over the atlas."""
    extent = torch.tensor(SHAPE, dtype=torch.float32) - 1
    unit = (places_mm - torch.from_numpy(ORIGIN_MM).float()) / extent * 2 - 1
    return unit.flip(-1)[None]


def _close_mouth(places: torch.Tensor, follows: torch.Tensor, chance: Chance, stride: int = 1) -> torch.Tensor:
    """From the head with its mouth open to the atlas, whose mouth is closed.

    A place that follows the jaw by a share turns about the condyles by that share of the angle. Which share it has is
    known where it comes from and not where it is, so it is found by halving the interval.
    """
    angle = float(np.deg2rad(max(0.0, chance.normal(11) if chance.happens(0.75) else chance.uniform(0, 28))))
    slide = torch.tensor([-0.35, -0.9, 0.0]) * np.rad2deg(angle) * chance.uniform(0.1, 0.45)
    if angle < 0.005:
        return places
    # the share changes over millimetres: on a fine grid every other place is enough
    some = places[::stride, ::stride, ::stride]
    low, high = torch.zeros(some.shape[:-1]), torch.ones(some.shape[:-1])
    for _ in range(6):
        middle = (low + high) / 2
        source = _turned_back(some, middle, angle, slide)
        share = functional.grid_sample(follows, _relative(source), padding_mode="border", align_corners=True)[0, 0]
        low, high = torch.where(share > middle, middle, low), torch.where(share > middle, high, middle)
    found = (low + high) / 2
    if stride > 1:
        size = [edge * stride for edge in found.shape]
        found = functional.interpolate(found[None, None], size=size, mode="trilinear")[0, 0]
        found = found[: places.shape[0], : places.shape[1], : places.shape[2]]
    return _turned_back(places, found, angle, slide)


def _turned_back(places: torch.Tensor, share: torch.Tensor, angle: float, slide: torch.Tensor) -> torch.Tensor:
    """Where places come from that turned and slid by a share of the whole."""
    hinge = torch.from_numpy(CONDYLES_MM).float()
    z, y, x = (places - hinge - share[..., None] * slide).unbind(-1)
    cosine, sine = torch.cos(share * angle), torch.sin(share * angle)
    return torch.stack([cosine * z - sine * y, sine * z + cosine * y, x], -1) + hinge
