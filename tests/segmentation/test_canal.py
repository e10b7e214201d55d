"""A canal traced through a curve whose place is known."""

import numpy as np
import pytest
from scipy.spatial import KDTree

from gnathos.imaging import Volume
from gnathos.imaging.sampling import resample
from gnathos.segmentation.canal import draw_tube, trace_canal
from gnathos.segmentation.normalise import Levels

LEVELS = Levels(air=-1000, soft=40, bone=1200, lowest=-1000)


def curve() -> np.ndarray:
    """(n, 3) LPS mm: from the ramus down, forward and a little inwards, as a left canal runs."""
    t = np.linspace(0, 1, 400)
    return np.column_stack([45 - 20 * t**2, 60 - 50 * t, 40 * (1 - t) ** 2])


def scan_with_canal(spacing_mm: float, radius_mm: float) -> tuple[Volume, np.ndarray]:
    """Bone with a dark tube along the curve, and each voxel's distance from it."""
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]]) * spacing_mm
    affine[:3, 3] = (10, 0, -10)
    shape = tuple((np.array([60, 70, 50]) / spacing_mm).astype(int))
    volume = Volume(np.zeros(shape, np.float32), affine)
    places = volume.points_lps_mm(np.argwhere(np.ones(shape, bool)))
    distance = KDTree(curve()).query(places)[0].reshape(shape)
    gray = np.where(distance < radius_mm, 60, 900).astype(np.float32)
    return volume.with_voxels(gray), distance


@pytest.fixture(scope="module")
def scan() -> Volume:
    return scan_with_canal(0.5, 1.4)[0]


@pytest.fixture(scope="module")
def probability() -> Volume:
    fine, distance = scan_with_canal(0.5, 1.4)
    return resample(fine.with_voxels((distance < 2.0).astype(np.float32)), 2.2)


def test_the_path_runs_through_the_middle_of_the_canal(scan: Volume, probability: Volume) -> None:
    path = trace_canal(probability, scan, LEVELS)

    assert path is not None
    assert KDTree(curve()).query(path.points_lps_mm)[0].mean() < 0.7
    assert KDTree(path.points_lps_mm).query(curve())[0].mean() < 1.0
    assert path.points_lps_mm[0, 1] > path.points_lps_mm[-1, 1]


def test_the_tube_lies_around_the_path(scan: Volume, probability: Volume) -> None:
    path = trace_canal(probability, scan, LEVELS)
    assert path is not None

    tube = draw_tube(path, scan)

    inside = tube.points_lps_mm(np.argwhere(tube.voxels > 0))
    assert KDTree(path.points_lps_mm).query(inside)[0].max() < 1.6
    expected_mm3 = np.pi * 1.3**2 * path.length_mm
    assert len(inside) * tube.spacing_mm.prod() == pytest.approx(expected_mm3, rel=0.15)


def test_where_nothing_looks_like_canal_there_is_none(scan: Volume, probability: Volume) -> None:
    assert trace_canal(probability.with_voxels(probability.voxels * 0.1), scan, LEVELS) is None
