"""Triangles shown to be near a surface piece by piece, whichever way it is folded there.

The distance to one triangle is convex, so a piece is within the bound if its corners are within it of one and the
same triangle; pieces for which no such triangle is found are cut in four and tried again. A small one is near as a
whole if a corner of it is near enough.

Source: branch and bound as in Guthe et al. 2005, "Fast and accurate Hausdorff distance calculation between meshes".
"""

import numpy as np

from gnathos.meshing.nearness import NEAR_ENOUGH, Nearness
from gnathos.meshing.triangles import EDGES, Flags, Floats, Indices, clip

MOST_CUTS = 12
"""Times that a piece is cut in four before it counts as not shown: those of a face across the field of view, too."""
SMALLEST = 0.1
"""Share of the bound below which a piece is not cut."""
_MIDDLES = np.array([(1, 1, 0), (0, 1, 1), (1, 0, 1)]) / 2
_QUARTERS = ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5))
"""Of the corners and mid-edges of a triangle."""


def faces_within(corners: Floats, target: Nearness, bound_mm: float) -> Flags:
    """Which of (n, 3 corners, 3) triangles are shown to lie within a distance of a surface."""
    if not len(corners):
        return np.zeros(0, np.bool_)
    owners, distances = target.nearest(corners.reshape(-1, 3), NEAR_ENOUGH * bound_mm)
    return _pieces_within(corners, owners.reshape(-1, 3), distances.reshape(-1, 3), target, bound_mm)


def _pieces_within(corners: Floats, owners: Indices, distances: Floats, target: Nearness, bound_mm: float) -> Flags:
    """The same, with the triangle that each corner is nearest to, and how far it is: (n, 3) each."""
    shown = np.ones(len(corners), np.bool_)
    faces = np.arange(len(corners))
    for cut in range(MOST_CUTS + 1):
        shown[faces[(distances > bound_mm).any(axis=1)]] = False
        sizes_mm = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
        left = np.flatnonzero(shown[faces] & (distances.min(axis=1) + sizes_mm > bound_mm))
        left = left[~_near_by_parts(corners[left], owners[left], target, bound_mm)]
        is_small = sizes_mm[left] < SMALLEST * bound_mm
        shown[faces[left if cut == MOST_CUTS else left[is_small]]] = False
        left = left[shown[faces[left]]]
        if not len(left):
            break
        faces = np.repeat(faces[left], len(_QUARTERS))
        corners, owners, distances = _quartered(corners[left], owners[left], distances[left], target, bound_mm)
    return shown


def _near_by_parts(corners: Floats, owners: Indices, target: Nearness, bound_mm: float) -> Flags:
    """Which pieces are shown to be near by cutting them once, where they pass from over one triangle to over the next.

    A piece all of whose corners are near to one triangle needs no cut. Two different triangles: each edge between
    corners of the one and the other is cut at a point that is near to both, and so each part has all of its corners
    near to one triangle. Three: the part in the middle has to be near to one of them, too.
    """
    mixed = np.stack([owners[:, first] != owners[:, second] for first, second in EDGES], axis=1)
    near = np.ones(len(corners), np.bool_)
    cuts = corners.copy()
    for place, (first, second) in enumerate(EDGES):
        asked = np.flatnonzero(mixed[:, place] & near)
        ends, sides = corners[asked][:, [first, second]], owners[asked][:, [first, second]]
        cuts[asked, place], near[asked] = _cuts(ends, sides, target, bound_mm)
    middles = np.flatnonzero(near & mixed.all(axis=1))
    held = np.zeros(len(middles), np.bool_)
    for place in range(3):
        # the cuts of both edges at a corner are near to its triangle already; that of the edge across is asked
        held |= target.triangles.distances(owners[middles, place], cuts[middles, (place + 1) % 3]) <= bound_mm
    near[middles] = held
    return near


def _cuts(ends: Floats, owners: Indices, target: Nearness, bound_mm: float) -> tuple[Floats, Flags]:
    """Points of lines, between where they leave one triangle and enter another, and whether they are near to both.

    Args:
        ends: (k, 2, 3).
        owners: (k, 2) the triangles.
    """
    shares = np.zeros(len(ends))
    for place in range(2):
        places = target.triangles.places(owners[:, place], ends)
        low, high = clip(places[:, :1], places[:, 1:], target.triangles.outline[owners[:, place]])
        shares += np.clip(low if place else high, 0, 1)[:, 0] / 2
    cuts = ends[:, 0] + shares[:, None] * (ends[:, 1] - ends[:, 0])
    near = target.triangles.distances(owners[:, 0], cuts) <= bound_mm
    near[near] = target.triangles.distances(owners[near, 1], cuts[near]) <= bound_mm
    return cuts, near


def _quartered(
    corners: Floats, owners: Indices, distances: Floats, target: Nearness, bound_mm: float
) -> tuple[Floats, Indices, Floats]:
    """Each piece cut in four at its mid-edges, which are looked up."""
    middles = np.einsum("mc,kcx->kmx", _MIDDLES, corners)
    found, far = target.nearest(middles.reshape(-1, 3), NEAR_ENOUGH * bound_mm)
    points = np.concatenate([corners, middles], axis=1)
    all_owners = np.concatenate([owners, found.reshape(-1, 3)], axis=1)
    all_distances = np.concatenate([distances, far.reshape(-1, 3)], axis=1)
    chosen = np.array(_QUARTERS)
    return (
        points[:, chosen].reshape(-1, 3, 3),
        all_owners[:, chosen].reshape(-1, 3),
        all_distances[:, chosen].reshape(-1, 3),
    )
