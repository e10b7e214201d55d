"""Pictures of meshes, drawn with points and a depth order: enough to see what came out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnathos.anatomy.colours import Colour
from gnathos.meshing import Mesh

Picture = npt.NDArray[np.uint8]

VIEWS = {
    "front": ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
    "right": ((0, -1, 0), (0, 0, 1), (-1, 0, 0)),
    "left": ((0, 1, 0), (0, 0, 1), (1, 0, 0)),
    "below": ((1, 0, 0), (0, -1, 0), (0, 0, -1)),
}
"""In LPS: what runs to the picture's right, to its top, and towards whoever looks at it."""

_POINTS_PER_PIXEL = 4
_MOST_POINTS = 2_000_000
_DEPTH_STEPS = 100
"""To a pixel."""
_MARGIN = 1.06
_LIGHT = np.array([0.3, 0.4, 0.85], np.float32) / np.float32(0.986)
_AMBIENT = 0.2
_BACKGROUND = 24


@dataclass(frozen=True)
class Cloud:
    """Points spread evenly over meshes."""

    points_lps_mm: npt.NDArray[np.float32]
    normals: npt.NDArray[np.float32]
    colours: npt.NDArray[np.float32]
    """(n, 3), 0-1."""
    centre_lps_mm: npt.NDArray[np.float32]
    span_mm: float
    """Edge of a picture that shows all."""


def spread_points(meshes: Sequence[tuple[Mesh, Colour]], size_px: int) -> Cloud:
    """Spread points over meshes, densely enough for pictures of that size."""
    corners = np.concatenate([mesh.vertices_lps_mm for mesh, _ in meshes])
    low, high = corners.min(axis=0), corners.max(axis=0)
    span_mm = float((high - low).max()) * _MARGIN or 1.0
    area_mm2 = sum(mesh.area_mm2 for mesh, _ in meshes)
    density = min(_POINTS_PER_PIXEL * (size_px / span_mm) ** 2, (_MOST_POINTS - len(meshes)) / max(area_mm2, 1e-9))
    parts = [_points_of(mesh, density) for mesh, _ in meshes]
    colours = [
        np.tile(np.array(colour, np.float32) / 255, (len(part[0]), 1))
        for part, (_, colour) in zip(parts, meshes, strict=True)
    ]
    points, normals = (np.concatenate([part[place] for part in parts]) for place in (0, 1))
    return Cloud(points, normals, np.concatenate(colours), (low + high) / 2, span_mm)


def _points_of(mesh: Mesh, density: float) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Points on triangles in proportion to their areas, without chance, and the normals there."""
    triangles = mesh.triangles_lps_mm
    crosses = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    doubled = np.linalg.norm(crosses, axis=1)
    reached = np.cumsum(doubled / 2)
    count = max(int(reached[-1] * density), 1)
    owners = np.minimum(np.searchsorted(reached, (np.arange(count) + 0.5) / count * reached[-1]), len(triangles) - 1)
    # two irrational steps fill the unit square evenly; its upper half is folded onto the triangle
    along = np.outer(np.arange(count), (0.7548776662466927, 0.5698402909980532)) % 1
    along = np.where(along.sum(axis=1, keepdims=True) > 1, 1 - along, along)
    first, second, third = np.moveaxis(triangles[owners], 1, 0)
    points = first + along[:, :1] * (second - first) + along[:, 1:] * (third - first)
    normals = crosses / np.maximum(doubled, 1e-12)[:, None]
    return points.astype(np.float32), normals[owners].astype(np.float32)


def draw(cloud: Cloud, view: str, size_px: int) -> Picture:
    """Draw a view: (size, size, 3)."""
    axes = np.array(VIEWS[view], np.float32)
    turned = (cloud.points_lps_mm - cloud.centre_lps_mm) @ axes.T * np.float32(size_px / cloud.span_mm)
    columns, rows = ((turned[:, place] * sign + size_px / 2).astype(np.int64) for place, sign in ((0, 1), (1, -1)))
    pixels = np.clip(rows, 0, size_px - 1) * size_px + np.clip(columns, 0, size_px - 1)
    nearness = ((turned[:, 2] + size_px) * _DEPTH_STEPS).astype(np.int64) * _MOST_POINTS + np.arange(len(turned))
    nearest = np.full(size_px * size_px, -1, np.int64)
    np.maximum.at(nearest, pixels, nearness)  # the number of the point in its lower digits
    drawn = np.flatnonzero(nearest >= 0)
    points = nearest[drawn] % _MOST_POINTS
    brightness = _AMBIENT + (1 - _AMBIENT) * np.abs(cloud.normals[points] @ axes.T @ _LIGHT)
    picture = np.full((size_px * size_px, 3), _BACKGROUND, np.uint8)
    picture[drawn] = cloud.colours[points] * brightness[:, None] * 255
    return picture.reshape(size_px, size_px, 3)
