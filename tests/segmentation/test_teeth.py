"""Teeth told apart from a network that answers well: what is tested is what comes after it."""

import numpy as np
import pytest
from scipy import ndimage

from gnathos.imaging import Volume
from gnathos.imaging.sampling import resample
from gnathos.segmentation.bones import find_bones
from gnathos.segmentation.network import CoarseAnatomy
from gnathos.segmentation.normalise import find_levels
from gnathos.segmentation.numbering import PLACES_SEEN
from gnathos.segmentation.roots import contrast_of_roots
from gnathos.segmentation.teeth import ToothEdges, find_teeth, tooth_field

CLASSES = ("background", "skull", "mandible", "canal", "upper_teeth", "lower_teeth", "tooth_core", "tooth_place")
GRID_MM, SCAN_MM = 0.8, 0.4
RADIUS_MM, MOLAR_RADIUS_MM, HEIGHT_MM = 3.2, 3.9, 16.0
BONE_TOP_MM = 22.0
MIDLINE_MM = 30.0
ARCH = {31: (3.4, 1.0), 32: (10.2, 4.0), 33: (15.6, 9.0), 34: (19.5, 15.0), 35: (22.5, 21.6), 36: (24.5, 28.6)}
"""Lower left teeth: x from the midline and y, in millimetres; neighbours nearly touch."""
CENTRES = {
    **{fdi: (MIDLINE_MM + x, y + 5) for fdi, (x, y) in ARCH.items()},
    **{fdi + 10: (MIDLINE_MM - x, y + 5) for fdi, (x, y) in ARCH.items() if fdi != 34},
}
"""The first premolar on the right is missing."""


def affine(spacing):
    matrix = np.zeros((4, 4))
    matrix[0, 2] = matrix[1, 1] = matrix[2, 0] = spacing
    matrix[3, 3] = 1
    return matrix


def distances(spacing, shape):
    """(teeth, slices, rows, columns) how far inside each tooth, an upright cylinder with a flat end, a place is."""
    z, y, x = (np.arange(n) * spacing for n in shape)
    inside = []
    for fdi, (cx, cy) in CENTRES.items():
        radial = (MOLAR_RADIUS_MM if fdi % 10 == 6 else RADIUS_MM) - np.hypot(x[None, None] - cx, y[None, :, None] - cy)
        upright = HEIGHT_MM / 2 - np.abs(z[:, None, None] - BONE_TOP_MM)
        inside.append(np.minimum(radial, upright))
    return np.array(inside)


@pytest.fixture(scope="module")
def scan():
    """Teeth with their lower halves in bone, in air above, and what an able network would say."""
    shape = (100, 110, 150)
    inside = distances(SCAN_MM, shape).max(axis=0)
    z, y, x = np.meshgrid(*(np.arange(n) * SCAN_MM for n in shape), indexing="ij")
    curve = np.abs(y - 4 - ((x - MIDLINE_MM) / 5) ** 2) < 14
    bone = (z < BONE_TOP_MM) & curve & (np.abs(x - MIDLINE_MM) < 29) & (z > 4)
    value = np.where(z < BONE_TOP_MM, 40.0, -1000.0)
    value = np.where(bone, 1100.0, value)
    value = np.where(inside > 0, 1900.0, value)
    noise = np.random.default_rng(3).normal(0, 25, shape)
    return Volume((ndimage.gaussian_filter(value, 0.6) + noise).astype(np.float32), affine(SCAN_MM))


@pytest.fixture(scope="module")
def seen(scan):
    shape = tuple(int(n * SCAN_MM / GRID_MM) for n in scan.shape)
    each = distances(GRID_MM, shape)
    tooth = np.clip(0.5 + each.max(axis=0) / (2 * GRID_MM), 0, 1)
    core = np.clip(0.5 + (each.max(axis=0) - GRID_MM) / (2 * GRID_MM), 0, 1)
    places = np.array([PLACES_SEEN[False][fdi % 10 - 1] for fdi in CENTRES])[each.argmax(axis=0)]
    z = (np.arange(shape[0]) * GRID_MM)[:, None, None]
    bone = np.where(z < BONE_TOP_MM, 1 - tooth, 0)
    nothing = np.zeros(shape)
    channels = [1 - tooth - bone, nothing, bone, nothing, nothing, tooth, core, (places - 0.5) / 8]
    return CoarseAnatomy(np.array(channels, np.float32), CLASSES, resample(scan, GRID_MM), find_levels(scan.voxels))


@pytest.fixture(scope="module")
def edges(scan, seen):
    return ToothEdges(scan, seen.levels, find_bones(scan, seen), contrast_of_roots(seen, seen.levels))


def expected(seen):
    return {True: seen.probability("upper_teeth"), False: seen.probability("lower_teeth")}


def test_what_the_coarse_network_does_not_see_is_no_tooth(seen):
    nothing = np.zeros_like(seen.probability("lower_teeth"))
    assert not find_teeth(seen, {True: nothing, False: nothing}).by_fdi


def test_teeth_are_told_apart_and_numbered(seen):
    teeth = find_teeth(seen, expected(seen))
    assert set(teeth.by_fdi) == set(CENTRES)
    for fdi, tooth in teeth.by_fdi.items():
        z, y, x = np.argwhere(teeth.labels == tooth.label).mean(axis=0) * GRID_MM
        assert np.hypot(x - CENTRES[fdi][0], y - CENTRES[fdi][1]) < 0.5
        assert z == pytest.approx(BONE_TOP_MM, abs=0.5)
        assert 0.7 < tooth.probability <= 1


def test_a_tooth_s_surface_is_finer_than_the_network_s_grid(scan, seen, edges):
    teeth = find_teeth(seen, expected(seen))
    true = distances(SCAN_MM, scan.shape)[list(CENTRES).index(36)]
    field = tooth_field(edges, seen, teeth, teeth.by_fdi[36].label)
    start = np.rint(scan.indices_at(field.corners_lps_mm[:1])[0]).astype(int)
    whole = np.zeros(scan.shape, bool)
    whole[tuple(slice(a, a + n) for a, n in zip(start, field.shape, strict=True))] = field.voxels > 0
    overlap = 2 * (whole & (true > 0)).sum() / (whole.sum() + (true > 0).sum())
    assert overlap > 0.93
    assert true[whole].min() > -2 * SCAN_MM


def test_neighbours_share_no_voxel(scan, seen, edges):
    teeth = find_teeth(seen, expected(seen))
    taken = np.zeros(scan.shape, int)
    for fdi in (35, 36):
        field = tooth_field(edges, seen, teeth, teeth.by_fdi[fdi].label)
        start = np.rint(scan.indices_at(field.corners_lps_mm[:1])[0]).astype(int)
        taken[tuple(slice(a, a + n) for a, n in zip(start, field.shape, strict=True))] += field.voxels > 0
    assert taken.max() == 1


def test_where_nothing_looks_like_a_tooth_there_is_none(seen):
    blank = CoarseAnatomy(np.zeros_like(seen.probabilities), seen.classes, seen.grid, seen.levels)
    assert not find_teeth(blank, expected(blank)).by_fdi
    assert not find_teeth(blank, expected(blank)).labels.any()
