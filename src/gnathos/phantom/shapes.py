"""Solids as distances: negative inside, zero on the surface, millimetres nearby.

Every function takes points whose coordinates broadcast against one another, so that a grid along the axes costs as
little as it can. Only the zero is exact for every shape; away from it distances are good enough for soft edges.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import map_coordinates

Field = npt.NDArray[np.float32]
"""Distances in millimetres, or coordinates."""


@dataclass(frozen=True)
class Points:
    """Places in millimetres: x to the left, y to the back, z to the head; the three broadcast."""

    x: Field
    y: Field
    z: Field

    @property
    def mirrored(self) -> "Points":
        """The same places with both sides laid onto the left one."""
        return Points(np.abs(self.x), self.y, self.z)


Solid = Callable[[Points], Field]
"""A shape: how far places are from its surface."""


def ellipsoid(centre: Sequence[float], radii: Sequence[float], turn_degrees: float = 0.0) -> Solid:
    """An ellipsoid, turned about the z axis."""
    sine, cosine = math.sin(math.radians(turn_degrees)), math.cos(math.radians(turn_degrees))

    def distance(points: Points) -> Field:
        x, y, z = points.x - centre[0], points.y - centre[1], points.z - centre[2]
        if turn_degrees:
            x, y = cosine * x + sine * y, cosine * y - sine * x
        near = np.sqrt(np.square(x / radii[0]) + np.square(y / radii[1]) + np.square(z / radii[2]))
        slope = np.sqrt((x / radii[0] ** 2) ** 2 + (y / radii[1] ** 2) ** 2 + (z / radii[2] ** 2) ** 2)
        return as_field(near * (near - 1) / np.maximum(slope, 1e-6))

    return distance


def chain(places: Sequence[Sequence[float]], radii: Sequence[float]) -> Solid:
    """A tube through places, its radius going straight from one to the next."""
    starts = list(zip(places[:-1], places[1:], radii[:-1], radii[1:], strict=True))

    def distance(points: Points) -> Field:
        return reduce(np.minimum, (_cone(points, *ends) for ends in starts))

    return distance


def _cone(points: Points, start: Sequence[float], end: Sequence[float], first: float, last: float) -> Field:
    step = [float(b - a) for a, b in zip(start, end, strict=True)]
    squared = sum(each * each for each in step)
    x, y, z = points.x - start[0], points.y - start[1], points.z - start[2]
    along = np.clip((x * step[0] + y * step[1] + z * step[2]) / squared, 0, 1)
    reach = np.sqrt((x - along * step[0]) ** 2 + (y - along * step[1]) ** 2 + (z - along * step[2]) ** 2)
    return as_field(reach - (first + along * (last - first)))


def rounded(across: Field, upright: Field, half_width: Any, half_height: Any, radius: float) -> Field:
    """A rectangle with round corners, in two coordinates from its middle."""
    wide = np.abs(across) - (half_width - radius)
    high = np.abs(upright) - (half_height - radius)
    outside = np.hypot(np.maximum(wide, 0), np.maximum(high, 0))
    return as_field(outside + np.minimum(np.maximum(wide, high), 0) - radius)


def extruded(outline: Field, upright: Field, half_height: Any, radius: float) -> Field:
    """An outline (signed distances) drawn out to both sides of its plane, its edges rounded."""
    wide = outline + radius
    high = np.abs(upright) - (half_height - radius)
    outside = np.hypot(np.maximum(wide, 0), np.maximum(high, 0))
    return as_field(outside + np.minimum(np.maximum(wide, high), 0) - radius)


def blend(first: Field, second: Field, width_mm: float) -> Field:
    """Both together, the crease between them filled over about that width."""
    share = np.clip(0.5 + 0.5 * (second - first) / width_mm, 0, 1)
    return as_field(second + (first - second) * share - width_mm * share * (1 - share))


def carve(solid: Field, hollow: Field) -> Field:
    """The first without the second."""
    return np.maximum(solid, -hollow)


def united(*solids: Solid) -> Solid:
    """All together."""

    def distance(points: Points) -> Field:
        return reduce(np.minimum, (solid(points) for solid in solids))

    return distance


def blended(width_mm: float, *solids: Solid) -> Solid:
    """All together, the creases filled."""

    def distance(points: Points) -> Field:
        return reduce(lambda first, second: blend(first, second, width_mm), (solid(points) for solid in solids))

    return distance


def on_both_sides(solid: Solid) -> Solid:
    """A solid of the left side, and its mirror image on the right."""

    def distance(points: Points) -> Field:
        return solid(points.mirrored)

    return distance


def grown(solid: Solid, by_mm: float) -> Solid:
    """A solid with a layer around it, or without its rind where negative."""

    def distance(points: Points) -> Field:
        return as_field(solid(points) - by_mm)

    return distance


def line(places: Field, starts: Sequence[float], values: Sequence[float]) -> Field:
    """A line through points, constant beyond its ends: `numpy.interp` in single precision."""
    return as_field(np.interp(places, starts, values))


def as_field(values: Any) -> Field:
    """The values as float32, not copied where they are already."""
    return np.asarray(values, dtype=np.float32)


@dataclass(frozen=True)
class Table:
    """A function of two coordinates, known on a fine grid and read between its places."""

    values: Field
    """(n, m) over the first and the second coordinate."""
    origin_mm: tuple[float, float]
    step_mm: float

    def at(self, first: Field, second: Field) -> Field:
        """Values at places, linearly; beyond the table those of its edge."""
        rows, columns = np.broadcast_arrays(
            (first - self.origin_mm[0]) / self.step_mm, (second - self.origin_mm[1]) / self.step_mm
        )
        return as_field(map_coordinates(self.values, [rows, columns], output=np.float32, order=1, mode="nearest"))


_TABLE_STEP_MM = 0.25


def tabulate(
    function: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]], low: Sequence[float], high: Sequence[float]
) -> Table:
    """Tabulate a function of (n, 2) places between two corners."""
    first, second = (np.arange(a, b + _TABLE_STEP_MM, _TABLE_STEP_MM) for a, b in zip(low, high, strict=True))
    places = np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1)
    values = function(places.reshape(-1, 2)).reshape(places.shape[:2])
    return Table(as_field(values), (low[0], low[1]), _TABLE_STEP_MM)


def polygon_distance(corners: npt.ArrayLike, places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n,) signed distance of (n, 2) places from a closed polygon, negative inside."""
    starts = np.asarray(corners, dtype=float)
    nearest = np.full(len(places), np.inf)
    inside = np.zeros(len(places), dtype=bool)
    for start, end in zip(starts, np.roll(starts, -1, axis=0), strict=True):
        step = end - start
        offset = places - start
        along = np.clip(offset @ step / (step @ step), 0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(offset - along[:, None] * step, axis=1))
        crosses = (start[1] > places[:, 1]) != (end[1] > places[:, 1])
        if step[1] != 0:
            inside ^= crosses & (places[:, 0] < start[0] + (places[:, 1] - start[1]) * step[0] / step[1])
    return np.where(inside, -nearest, nearest)


@dataclass(frozen=True)
class Arch:
    """A curve seen from above, from the midline back along the left side, and what lies along it on both."""

    along: Table
    """Length of the curve from the midline to the place nearest by."""
    across: Table
    """Distance from the curve, positive outwards."""
    curve_mm: npt.NDArray[np.float64]
    """(n, 2) x, y of the curve, evenly sampled."""
    step_mm: float

    def place(self, along_mm: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """(2,) x, y at a length along the curve, and the (2,) unit direction onwards."""
        index = float(np.clip(along_mm / self.step_mm, 0, len(self.curve_mm) - 2))
        low = int(index)
        step = self.curve_mm[low + 1] - self.curve_mm[low]
        return self.curve_mm[low] + (index - low) * step, step / np.linalg.norm(step)
