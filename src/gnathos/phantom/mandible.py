"""The mandible and its canals, mouth closed; the origin is between the edges of the middle incisors."""

import math
from functools import cache

import numpy as np
import numpy.typing as npt

from gnathos.phantom.arches import basal_arch
from gnathos.phantom.shapes import (
    Field,
    Points,
    Solid,
    Table,
    as_field,
    blend,
    chain,
    ellipsoid,
    extruded,
    grown,
    line,
    polygon_distance,
    rounded,
    tabulate,
)

CONDYLE_MM = (50.0, 74.0, 42.0)
"""Middle of the left condyle: the jaw opens about the axis through both."""

CANAL_RADIUS_MM = 1.4
CANAL_MM = (
    *[(44.5, 58.0, 12.0), (44.2, 56.0, 4.0), (42.5, 52.0, -7.0), (38.5, 46.0, -15.0), (33.0, 37.0, -19.5)],
    *[(27.5, 27.0, -21.5), (23.5, 19.0, -21.5), (22.5, 15.0, -20.5), (25.0, 12.5, -18.5), (28.0, 11.0, -17.5)],
)
"""Middle of the left canal, from the mandibular foramen to the mental foramen on the outer side below the premolars."""

BOX_MM = (np.array([-64.0, -12.0, -42.0]), np.array([64.0, 86.0, 52.0]))

_RAMUS = [
    *[(30, -24), (46, -26), (57, -22.5), (64, -14), (67.5, -3), (69, 8), (71, 18), (74.5, 27), (76.5, 36), (76.5, 41)],
    *[(71, 42), (68, 36.5), (64, 31.5), (58, 28.5), (52, 29.5), (48, 34), (45.5, 40.5), (42.5, 43.5), (40, 42)],
    *[(39.5, 36), (41, 28), (42.5, 18), (41.5, 9), (37, 1), (30, -6)],
]
"""Outline of the ramus from the side: y, z."""

_CONDYLE = ellipsoid(CONDYLE_MM, (10.0, 4.6, 5.0), 18)
_NECK = chain([(46.5, 71.0, 24.0), (49.0, 73.5, 38.0)], [3.6, 4.6])
_CHIN = ellipsoid((0, -2.5, -31), (13, 6.0, 6.5))
_CORONOID = chain([(43.0, 47.0, 24.0), (44.0, 42.8, 41.5)], [3.4, 1.9])


@cache
def _ramus_outline() -> Table:
    return tabulate(lambda places: polygon_distance(_RAMUS, places), (20.0, -50.0), (95.0, 65.0))


def _body(points: Points) -> Field:
    arch = basal_arch()
    along = arch.along.at(points.x, points.y)
    across = arch.across.at(points.x, points.y)
    top = line(along, [0, 25, 60, 80], [-11.0, -10.2, -9.0, -6.0])
    bottom = line(along, [0, 12, 30, 50, 70, 85], [-36.5, -36.0, -33.0, -29.5, -25.5, -22.0])
    share = np.clip((points.z - bottom) / (top - bottom), 0, 1)
    base = line(along, [0, 15, 40, 60, 80], [6.0, 5.6, 6.0, 5.6, 4.5])
    crest = line(along, [0, 15, 40, 60, 80], [3.8, 4.2, 6.4, 6.2, 5.0])
    inwards = line(along, [0, 15, 30, 45, 60, 90], [0.5, 0.5, -1.5, -4.0, -5.5, -6.0]) * share
    half_width = as_field(base + (crest - base) * share)
    upright = as_field(points.z - (top + bottom) / 2)
    section = rounded(as_field(across - inwards), upright, half_width, as_field((top - bottom) / 2), 3.4)
    return np.maximum(section, as_field(along - 74.0))


def _ramus(points: Points) -> Field:
    outline = _ramus_outline().at(points.y, points.z)
    middle_x = line(points.y, [28, 36, 44, 54, 66, 80], [31, 35, 39, 42.5, 46, 49]) + 0.12 * np.maximum(points.z, -15)
    half_width = line(points.z, [-25, -5, 25, 45], [4.6, 4.2, 3.2, 2.6])
    return extruded(outline, as_field(points.x - middle_x), as_field(half_width), 2.3)


def bone(points: Points) -> Field:
    """Distance from the mandible's bone, without the walls of the sockets."""
    half = points.mirrored
    plate = blend(_ramus(half), _CORONOID(half), 3.0)
    head = blend(_CONDYLE(half), _NECK(half), 3.0)
    jaw = blend(blend(_body(half), plate, 6.0), head, 3.0)
    return blend(jaw, _CHIN(half), 4.0)


def canal(radius_mm: float = CANAL_RADIUS_MM) -> Solid:
    """The canal of the left side."""
    return grown(chain(CANAL_MM, [0.0] * len(CANAL_MM)), radius_mm)


def opened(points: Points, opening_mm: float) -> Points:
    """Places of an open mouth, where they would be with the mouth closed."""
    angle = -opening_angle(opening_mm)
    _, y0, z0 = CONDYLE_MM
    y, z = points.y - y0, points.z - z0
    sine, cosine = math.sin(angle), math.cos(angle)
    return Points(points.x, as_field(y0 + cosine * y - sine * z), as_field(z0 + sine * y + cosine * z))


def opening_angle(opening_mm: float) -> float:
    """The jaw's turn, in radians, that parts the edges of the incisors that far."""
    return float(2 * np.arcsin(opening_mm / 2 / np.hypot(*CONDYLE_MM[1:])))


def closed_to_opened(places_mm: npt.NDArray[np.float64], opening_mm: float) -> npt.NDArray[np.float64]:
    """(n, 3) places of the closed jaw, where they come to lie when it opens."""
    angle = opening_angle(opening_mm)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    pivot = np.array([0.0, *CONDYLE_MM[1:]])
    return np.asarray((places_mm - pivot) @ turn.T + pivot)
