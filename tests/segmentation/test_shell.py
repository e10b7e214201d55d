"""The level of a bone's edge: a ball of marrow in a compact shell, in soft tissue."""

import numpy as np
import pytest
from scipy import ndimage

from gnathos.imaging import Volume
from gnathos.imaging.sampling import block_mean, refine_grid
from gnathos.segmentation.bones import find_bones
from gnathos.segmentation.network import CoarseAnatomy
from gnathos.segmentation.normalise import Levels

SPACING_MM, EDGE, RADIUS_MM, SHELL_MM = 0.5, 84, 15.0, 1.2
SOFT, MARROW, COMPACT = 40.0, 400.0, 1500.0
LEVELS = Levels(air=-1000, soft=SOFT, bone=1000, lowest=-1000)


def inside_mm(edge, spacing_mm):
    places = (np.indices((edge,) * 3) - (edge - 1) / 2) * spacing_mm
    return RADIUS_MM - np.linalg.norm(places, axis=0)


@pytest.fixture(scope="module")
def scan():
    depth = inside_mm(EDGE, SPACING_MM)
    gray = np.where(depth > SHELL_MM, MARROW, np.where(depth > 0, COMPACT, SOFT)).astype(np.float32)
    return Volume(ndimage.gaussian_filter(gray, 0.4), np.diag([SPACING_MM] * 3 + [1.0]))


def bones_of(scan):
    grid = Volume(np.zeros((21, 21, 21), np.float32), np.diag([2.0, 2.0, 2.0, 1.0]))
    bone = np.clip(0.5 + inside_mm(21, 2.0) / 2, 0, 1).astype(np.float32)
    return find_bones(scan, CoarseAnatomy(np.stack([1 - bone, bone]), ("soft_tissue", "mandible"), grid, LEVELS))


def test_a_sharp_scan_s_edge_lies_nearly_half_way_up_the_shell(scan):
    bones = bones_of(scan)
    edge = bones.edge.voxels + (bones.shell_rise.voxels - 1) * bones.step.voxels
    soft, compact = (LEVELS.normalise(np.array([SOFT, COMPACT], np.float32)) * 2000).tolist()
    near = np.abs(inside_mm(EDGE // 2, 2 * SPACING_MM)) < 1
    assert (edge[near].mean() - soft) / (compact - soft) == pytest.approx(0.45, abs=0.06)


@pytest.mark.parametrize("finest_mm", [5 * SPACING_MM, 0.6])
def test_a_scan_with_large_voxels_shows_no_shell_however_finely_it_is_interpolated(scan, finest_mm):
    interpolated = refine_grid(block_mean(scan, (5, 5, 5)), finest_mm)
    assert interpolated.spacing_mm.max() <= finest_mm * 1.3
    assert bones_of(interpolated).shell_rise.voxels == pytest.approx(1, abs=1e-5)
