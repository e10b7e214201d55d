"""Small triangles laid over large ones, to show that every point of the large ones has the surface near above it.

Seen along a large triangle's normal, the small triangles over it are a sheet. If no border of that sheet is seen
within the large triangle, the sheet covers each of its points as often as any other, counted with the sign of the
small triangle's facing (the degree of the projection); if that is not zero, it covers all of it. How high the sheet
lies above a point is linear on each small triangle, so that it is highest at the ends of their edges, where these
cross the large one's outline, and at its corners.
"""

from dataclasses import dataclass

import numpy as np

from gnathos.meshing.mesh import Mesh
from gnathos.meshing.triangles import EDGES, Flags, Floats, Indices, Triangles, clip

MOST_ROUNDS = 12
"""Of following the sheet across edges; beyond, a triangle counts as not covered."""
FARTHEST = 2.0
"""Times the bound: where the sheet leaves for further away, it is not followed."""
_PROBE = (0.3137, 0.3571, 0.3292)
"""Weights of the corners at the point where the covers are counted; nothing lies there by design."""
_ON_EDGE = 1e-9
_CHUNK = 300_000


@dataclass
class _Sheets:
    """What is known of each large triangle's cover."""

    covers: Floats
    """(m,) covers of the probe, with their sign."""
    is_open: Flags
    """(m,) whether the sheet was lost, or lies too high somewhere."""


def covered_within(
    large: Triangles, asked: Flags, small: Mesh, seeds: Indices, nearest: Indices, bound_mm: float
) -> Flags:
    """Which large triangles are shown to have a surface within a distance of each of their points.

    Args:
        large: any.
        asked: (m,) for which of them it is to be shown.
        small: a part of a closed surface; what its border is seen over is not shown.
        seeds: (n,) faces of `small` to begin with.
        nearest: (n, 3) which large triangles their corners are near to.
        bound_mm: above zero.

    Returns:
        (m,) by large triangle; False: not shown.
    """
    count = len(small.faces)
    sheets = _Sheets(np.zeros(len(large.corners)), ~asked)
    neighbours = small.neighbours
    pairs = _distinct((nearest * count + seeds[:, None]).ravel())
    pairs = known = pairs[asked[pairs // count]]
    for _ in range(MOST_ROUNDS):
        reached = [_lay(part, large, small, neighbours, sheets, bound_mm) for part in _chunks(pairs)]
        fresh = _distinct(np.concatenate([pairs[:0], *reached]))
        pairs = fresh[~_contains(known, fresh)]
        pairs = pairs[~sheets.is_open[pairs // count]]
        if not len(pairs):
            break
        known = np.sort(np.concatenate([known, pairs]))
    sheets.is_open[pairs // count] = True
    return np.asarray(~sheets.is_open & (np.round(sheets.covers) != 0))


def _lay(
    pairs: Indices, large: Triangles, small: Mesh, neighbours: Indices, sheets: _Sheets, bound_mm: float
) -> Indices:
    """Lay small triangles over large ones and note what that shows; returns the pairs across the edges seen there."""
    owners, faces = np.divmod(pairs, len(small.faces))
    places = large.places(owners, small.vertices_lps_mm[small.faces[faces]].astype(np.float64))
    outline = large.outline[owners]
    seen, heights = _clipped_edges(places, outline)
    above = _heights_over_corners(places, outline)
    highest = np.maximum(heights.max(axis=1), above)
    sheets.is_open[owners[highest > bound_mm]] = True
    probe = np.einsum("c,kcx->kx", _PROBE, outline)
    np.add.at(sheets.covers, owners, _facing(places, probe, sheets, owners))
    crossed = seen & (heights <= FARTHEST * bound_mm)
    rows, edges = np.nonzero(crossed)
    beyond = neighbours[faces[rows], edges]
    sheets.is_open[owners[rows[beyond == faces[rows]]]] = True
    return owners[rows] * len(small.faces) + beyond


def _clipped_edges(places: Floats, outline: Floats) -> tuple[Flags, Floats]:
    """Which edges of small triangles are seen over the large one, and how high they lie there at most.

    Returns:
        (k, 3) each; the height of an edge that is not seen is 0.
    """
    ends = np.roll(places, -1, axis=1)
    low, high = clip(places, ends, outline)
    seen = low <= high
    at_low, at_high = (places[..., 2] + share * (ends[..., 2] - places[..., 2]) for share in (low, high))
    return seen, np.where(seen, np.maximum(np.abs(at_low), np.abs(at_high)), 0.0)


def _heights_over_corners(places: Floats, outline: Floats) -> Floats:
    """(k,) how high the small triangle lies at most over those corners of the large one that it is seen over."""
    first, second, third = np.moveaxis(places, 1, 0)
    twice = _cross(second - first, third - first)
    with np.errstate(divide="ignore", invalid="ignore"):
        offset = outline - first[:, None, :2]
        to_second = _cross(offset, (third - first)[:, None]) / twice[:, None]
        to_third = _cross((second - first)[:, None], offset) / twice[:, None]
        height = first[:, None, 2] + to_second * (second - first)[:, None, 2] + to_third * (third - first)[:, None, 2]
        inside = (to_second >= -_ON_EDGE) & (to_third >= -_ON_EDGE) & (to_second + to_third <= 1 + _ON_EDGE)
    return np.asarray(np.where(inside, np.abs(height), 0.0).max(axis=1))


def _facing(places: Floats, probe: Floats, sheets: _Sheets, owners: Indices) -> Floats:
    """1 or -1 where a small triangle covers the probe, by its facing; a probe on an edge settles nothing."""
    sides = np.stack([_cross(places[:, b] - places[:, a], probe - places[:, a, :2]) for a, b in EDGES], axis=1)
    twice = _cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0])
    shares = np.divide(sides, twice[:, None], out=np.full_like(sides, -1.0), where=twice[:, None] != 0)
    least = shares.min(axis=1)
    sheets.is_open[owners[np.abs(least) < _ON_EDGE]] = True
    return np.where(least > 0, np.sign(twice), 0.0)


def _cross(first: Floats, second: Floats) -> Floats:
    return np.asarray(first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0])


def _distinct(keys: Indices) -> Indices:
    """Sorted, each once; numpy's own hashes, which takes a hundred times as long for numbers like these."""
    ordered = np.sort(keys)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered


def _contains(known: Indices, asked: Indices) -> Flags:
    if not len(known):
        return np.zeros(len(asked), np.bool_)
    place = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return np.asarray(known[place] == asked)


def _chunks(pairs: Indices) -> list[Indices]:
    return [pairs[start : start + _CHUNK] for start in range(0, len(pairs), _CHUNK)]
