import numpy as np
import pytest

from gnathos.imaging import Volume
from gnathos.segmentation.fragments import along_arch, bonds_between, cut_fragments, describe

GRID_MM = 0.8
GRID = Volume(
    np.zeros((20, 20, 40), np.float32),
    np.array([[0, 0, GRID_MM, 0], [0, GRID_MM, 0, 0], [GRID_MM, 0, 0, 0], [0, 0, 0, 1]], float),
)


def bumps(*middles):
    """Cores of round teeth of 4 mm, as high as 0.95, that run together; and what is tooth."""
    z, y, x = np.meshgrid(*(np.arange(n) * GRID_MM for n in GRID.shape), indexing="ij")
    far = np.array([np.sqrt((z - c) ** 2 + (y - b) ** 2 + (x - a) ** 2) for a, b, c in middles]).min(axis=0)
    return (0.95 * np.exp(-((far / 4.0) ** 2))).astype(np.float32), far < 5.0


def test_teeth_that_run_together_are_cut_at_their_waist():
    core, mask = bumps((10.0, 8.0, 8.0), (18.0, 8.0, 8.0))
    labels, height = cut_fragments(core, mask)
    assert set(np.unique(labels)) == {0, 1, 2}
    assert np.array_equal(labels > 0, mask)
    assert labels[10, 10, 12] != labels[10, 10, 23]
    assert labels[10, 10, 16] != labels[10, 10, 19], "the waist lies at 14 mm"
    assert height.max() <= 0.95


def test_a_fragment_knows_where_it_is_and_what_place_it_has():
    core, mask = bumps((10.0, 8.0, 8.0), (18.0, 8.0, 8.0))
    labels, _ = cut_fragments(core, mask)
    columns = np.broadcast_to(np.arange(40) * GRID_MM, GRID.shape)
    fragments = describe(labels, core, np.where(columns < 14, 2.0, 3.0).astype(np.float32), GRID)
    by_x = sorted(fragments, key=lambda fragment: fragment.centre_lps_mm[0])
    for fragment, x, place in zip(by_x, (10.0, 18.0), (2.0, 3.0), strict=True):
        assert fragment.centre_lps_mm == pytest.approx((x, 8.0, 8.0), abs=0.5)
        assert fragment.place == pytest.approx(place, abs=0.05)
        assert fragment.volume_mm3 == pytest.approx(np.count_nonzero(mask) / 2 * GRID_MM**3, rel=0.05)
        assert 1.0 < fragment.spread_mm2 < 5.0
    assert by_x[1].along_mm - by_x[0].along_mm == pytest.approx(8.0, abs=0.8)


def test_bonds_are_firm_within_a_tooth_and_none_where_nothing_touches():
    core, mask = bumps((6.0, 8.0, 8.0), (10.0, 8.0, 8.0), (18.0, 8.0, 8.0), (29.0, 8.0, 8.0))
    labels, height = cut_fragments(core, mask)
    columns = np.broadcast_to(np.arange(40) * GRID_MM, GRID.shape)
    places = np.select([columns < 14, columns < 23], [2.0, 3.0], 4.0).astype(np.float32)
    fragments = describe(labels, core, places, GRID)
    bonds = bonds_between(labels, height, fragments)
    order = np.argsort([fragment.centre_lps_mm[0] for fragment in fragments])
    bonds = bonds[np.ix_(order, order)]
    assert len(fragments) == 4
    assert bonds[0, 1] > 0 > bonds[1, 2]
    assert np.isnan([bonds[0, 2], bonds[2, 3], *bonds.diagonal()]).all()
    assert np.array_equal(np.isnan(bonds), np.isnan(bonds.T))


def test_an_arch_is_measured_along_its_curve_from_the_patients_right():
    angle = np.linspace(-1.2, 1.2, 200)
    places = np.stack([np.zeros(200), 40 - 30 * np.cos(angle), 50 + 30 * np.sin(angle)], axis=-1)
    along = along_arch(places)
    assert np.all(np.diff(along) >= 0)
    assert np.ptp(along) == pytest.approx(30 * 2.4, rel=0.1)
    assert along_arch(places[::-1])[0] == along.max()


def test_nothing_is_described_as_nothing():
    labels, _ = cut_fragments(np.zeros(GRID.shape, np.float32), np.zeros(GRID.shape, bool))
    assert not labels.any()
    assert describe(labels, GRID.voxels, GRID.voxels, GRID) == []
