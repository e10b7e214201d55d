"""Teeth: crowns, roots and pulps, each in its place on the arch."""

from dataclasses import dataclass
from functools import cache, reduce

import numpy as np
import numpy.typing as npt

from gnathos.anatomy import PERMANENT_FDI, is_left, is_upper
from gnathos.phantom.arches import lower_arch, upper_arch
from gnathos.phantom.shapes import Field, Points, as_field, blend, extruded

ENAMEL_MM = 1.3
PULP_DEPTH_MM = 2.3
SOCKET_WALL_MM = 0.9
CREST_BELOW_NECK_MM = 1.8
_CANAL_RADIUS_MM = 0.45
_CROWDING = 0.95
"""Teeth touch, and are a little narrower where they do than at their widest."""


@dataclass(frozen=True)
class Form:
    """Sizes of one kind of tooth in millimetres, as textbooks of dental anatomy give them (Wheeler)."""

    crown: float
    width: float
    """Along the arch."""
    depth: float
    """Across it."""
    root: float
    roots: tuple[tuple[float, float, float], ...]
    """Per root: where its tip lies along and across the arch, and its radius at the neck."""
    lean_degrees: float
    """How far the crown leans out of the arch."""
    cusps: int


_ONE = ((0.0, 0.0, 1.0),)
_TWO_ALONG = ((-2.6, 0.0, 0.62), (2.8, 0.0, 0.58))
_TWO_ACROSS = ((0.0, 2.2, 0.75), (0.0, -2.2, 0.75))
_THREE = ((-2.6, 2.8, 0.5), (2.6, 2.8, 0.5), (0.3, -4.2, 0.55))

_UPPER_FORMS = (
    Form(10.5, 8.5, 7.0, 13.0, _ONE, 18, 0),
    Form(9.5, 6.6, 6.2, 13.0, _ONE, 16, 0),
    Form(10.2, 7.6, 8.0, 17.0, _ONE, 10, 1),
    Form(8.5, 7.0, 9.0, 14.0, _TWO_ACROSS, 4, 2),
    Form(8.3, 6.9, 9.0, 14.0, _ONE, 4, 2),
    Form(7.6, 10.2, 11.0, 12.5, _THREE, 6, 4),
    Form(7.2, 9.3, 11.0, 11.5, _THREE, 8, 4),
    Form(6.8, 8.6, 10.0, 10.5, _THREE, 10, 4),
)
_LOWER_FORMS = (
    Form(9.0, 5.2, 6.0, 12.5, _ONE, 8, 0),
    Form(9.5, 5.8, 6.5, 14.0, _ONE, 7, 0),
    Form(11.0, 7.0, 7.7, 16.0, _ONE, 3, 1),
    Form(8.6, 7.0, 7.6, 14.0, _ONE, -3, 2),
    Form(8.2, 7.1, 8.0, 14.5, _ONE, -6, 2),
    Form(7.6, 11.0, 10.3, 14.0, _TWO_ALONG, -10, 4),
    Form(7.2, 10.5, 10.0, 13.0, _TWO_ALONG, -13, 4),
    Form(7.0, 10.0, 9.5, 11.0, _TWO_ALONG, -15, 4),
)


@dataclass(frozen=True)
class Tooth:
    """One tooth in its jaw's frame."""

    fdi: int
    form: Form
    neck_mm: npt.NDArray[np.float64]
    """(3,) x, y, z of the middle of the neck."""
    axes: npt.NDArray[np.float64]
    """(3, 3) rows: along the arch away from the midline, out of the arch, towards the biting edge."""

    def local(self, points: Points) -> Points:
        """Places in the tooth's own axes, from the neck."""
        middle = self.neck_mm.tolist()
        x, y, z = points.x - middle[0], points.y - middle[1], points.z - middle[2]
        return Points(*(as_field(x * axis[0] + y * axis[1] + z * axis[2]) for axis in self.axes.tolist()))

    def crown(self, own: Points) -> Field:
        """Distance from the crown, in the tooth's axes."""
        height = self.form.crown
        share = np.clip(own.z / height, 0, 1)
        half_width = self.form.width / 2 * (0.80 + 0.20 * np.sqrt(np.abs(np.sin(np.pi * np.clip(share + 0.12, 0, 1)))))
        if self.form.cusps == 0:
            half_width = self.form.width / 2 * (0.72 + 0.28 * np.sqrt(share))
            half_depth = self.form.depth / 2 * (1 - 0.72 * share * np.sqrt(np.sqrt(share)))
        else:
            belly = 0.84 + 0.16 * np.sin(np.pi * share)
            half_depth = (
                self.form.depth / 2 * belly * (1 - (0.45 if self.form.cusps == 1 else 0.12) * share * share * share)
            )
        outline = _superellipse(own.x, own.y, half_width, half_depth)
        middle = own.z - height / 2
        return extruded(outline, middle + self._fissures(own), height / 2, 0.6 if self.form.cusps else 0.4)

    def _fissures(self, own: Points) -> Field:
        """How much lower than its highest cusps the biting surface is."""
        if self.form.cusps < 2:
            point = np.hypot(own.x / self.form.width, own.y / self.form.depth) if self.form.cusps else np.abs(own.x) * 0
            return as_field(np.where(own.z > self.form.crown / 2, 4.0 * point, 0))
        across = np.cos(2 * np.pi * own.y / self.form.depth)
        along = np.cos(2 * np.pi * own.x / self.form.width) if self.form.cusps == 4 else across
        groove = 0.8 + 0.45 * across + 0.45 * along
        return as_field(np.where(own.z > self.form.crown / 2, groove, 0))

    def root(self, own: Points) -> Field:
        """Distance from the roots, in the tooth's axes."""
        return reduce(np.minimum, (self._one_root(own, root) for root in self.form.roots))

    def _one_root(self, own: Points, root: tuple[float, float, float]) -> Field:
        tip_along, tip_across, thick = root
        share = np.clip(-own.z / self.form.root, 0, 1)
        spread = np.minimum(1, 0.35 + share) * np.minimum(1, share * 6 + 0.4)
        single = len(self.form.roots) == 1
        half_width = self.form.width / 2 * 0.76 * (1 if single else thick) * (1 - 0.78 * share * np.sqrt(share))
        half_depth = self.form.depth / 2 * 0.82 * (1 if single else thick + 0.2) * (1 - 0.78 * share * np.sqrt(share))
        outline = _superellipse(own.x - tip_along * spread, own.y - tip_across * spread, half_width, half_depth)
        return extruded(outline, own.z + self.form.root / 2 - 1, self.form.root / 2 + 1, 1.0)

    def socket(self, own: Points) -> Field:
        """Distance from the wall of bone around the roots and what it encloses, in the tooth's axes."""
        return as_field(np.maximum(self.root(own) - SOCKET_WALL_MM, own.z + CREST_BELOW_NECK_MM))

    def canals(self, own: Points) -> Field:
        """Distance from the root canals, in the tooth's axes."""
        tubes = []
        for tip_along, tip_across, _ in self.form.roots:
            share = np.clip(-own.z / self.form.root, 0, 1)
            spread = np.minimum(1, 0.35 + share)
            reach = np.hypot(own.x - tip_along * spread, own.y - tip_across * spread)
            upright = np.maximum(-own.z - self.form.root * 0.92, own.z - 0.5)
            tubes.append(np.maximum(reach - _CANAL_RADIUS_MM * (1.4 - share), upright))
        return as_field(reduce(np.minimum, tubes))

    def distance(self, points: Points) -> Field:
        """Distance from the whole tooth."""
        own = self.local(points)
        return self.joined(self.crown(own), self.root(own))

    def joined(self, crown: Field, root: Field) -> Field:
        """Distance from both together."""
        return blend(crown, root, 0.8)

    @property
    def box_mm(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Corners of a box around the tooth."""
        reach = max(self.form.width, self.form.depth) / 2 + 2.2
        ends = self.neck_mm + np.outer([-self.form.root - 1, self.form.crown + 1], self.axes[2])
        return ends.min(axis=0) - reach, ends.max(axis=0) + reach


def _superellipse(x: Field, y: Field, half_width: Field, half_depth: Field) -> Field:
    """Between an ellipse and a rectangle; products instead of powers, which cost ten times as much."""
    across, down = np.square(x / half_width), np.square(y / half_depth)
    square = np.sqrt(np.sqrt(across * across + down * down))
    return as_field((0.5 * square + 0.5 * np.sqrt(across + down) - 1) * np.minimum(half_width, half_depth))


@cache
def all_teeth() -> dict[int, Tooth]:
    """The 32 permanent teeth by FDI number, in the frames of their jaws."""
    return {fdi: _tooth(fdi) for fdi in PERMANENT_FDI}


def _tooth(fdi: int) -> Tooth:
    forms = _UPPER_FORMS if is_upper(fdi) else _LOWER_FORMS
    arch = upper_arch() if is_upper(fdi) else lower_arch()
    place = fdi % 10
    form = forms[place - 1]
    along = _CROWDING * (sum(each.width for each in forms[: place - 1]) + form.width / 2)
    (x, y), (onward_x, onward_y) = arch.place(along)
    side = 1.0 if is_left(fdi) else -1.0
    bite = -1.0 if is_upper(fdi) else 1.0
    onward = np.array([side * onward_x, onward_y, 0.0])
    outward = np.array([side * onward_y, -onward_x, 0.0])
    lean = np.radians(form.lean_degrees)
    axis = np.cos(lean) * np.array([0, 0, bite]) + np.sin(lean) * outward
    out = np.cos(lean) * outward - np.sin(lean) * np.array([0, 0, bite])
    edge_z = -bite * 0.25 + (bite * 1.5 if place <= 3 else 0.0)
    neck = np.array([side * x, y, edge_z]) - axis * form.crown
    return Tooth(fdi, form, neck, np.stack([onward, out, axis]))
