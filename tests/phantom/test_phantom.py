"""The phantom is a head whose truth is known."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import cc3d
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - as its own documentation names it
from scipy.ndimage import binary_dilation

from gnathos.anatomy import PERMANENT_FDI, is_left, is_upper
from gnathos.dicom import read_dicom
from gnathos.phantom import Phantom, PhantomParameters, make_phantom, write_phantom
from gnathos.phantom.cranium import SINUS_CENTRE_MM, SINUS_RADII_MM
from gnathos.phantom.mandible import CANAL_MM, CANAL_RADIUS_MM, CONDYLE_MM
from gnathos.phantom.scene import MARKER_CENTRE_MM, MARKER_RADIUS_MM

COARSE = PhantomParameters(spacing_mm=0.9, shape=(147, 178, 178))
SKULL, MANDIBLE, RIGHT_CANAL, LEFT_CANAL, RIGHT_SINUS, LEFT_SINUS, AIRWAY, SOFT_TISSUE, SPINE = (
    *(1, 2, 101, 102),
    *(103, 104, 105, 106, 200),
)


@cache
def made(parameters: PhantomParameters = COARSE) -> Phantom:
    return make_phantom(parameters)


def test_the_same_parameters_give_the_same_voxels() -> None:
    again = make_phantom(COARSE)

    np.testing.assert_array_equal(again.volume.voxels, made().volume.voxels)
    np.testing.assert_array_equal(again.truth.voxels, made().truth.voxels)


def test_another_seed_gives_other_noise_in_the_same_head() -> None:
    other = made(replace(COARSE, seed=1))

    assert (other.volume.voxels != made().volume.voxels).mean() > 0.5
    np.testing.assert_array_equal(other.truth.voxels, made().truth.voxels)


@pytest.mark.parametrize(("label", "side"), [(LEFT_SINUS, 1), (RIGHT_SINUS, -1)])
def test_the_sinuses_are_the_ellipsoids_that_they_were_made_from(label: int, side: int) -> None:
    fact = made().facts[label]

    assert fact.volume_ml == pytest.approx(4 / 3 * np.pi * np.prod(SINUS_RADII_MM) / 1000, rel=0.01)
    np.testing.assert_allclose(fact.centroid_lps_mm, np.array(SINUS_CENTRE_MM) * [side, 1, 1], atol=0.1)


@pytest.mark.parametrize(("label", "side"), [(LEFT_CANAL, 1), (RIGHT_CANAL, -1)])
def test_the_canals_are_tubes_on_their_sides(label: int, side: int) -> None:
    fact = made().facts[label]
    length_mm = np.linalg.norm(np.diff(CANAL_MM, axis=0), axis=1).sum()

    # Their ends lie outside of the bone, and are not labelled.
    assert 0.6 < fact.volume_ml / (length_mm * np.pi * CANAL_RADIUS_MM**2 / 1000) < 1.05
    assert fact.centroid_lps_mm[0] * side > 25


def test_volumes_are_those_of_an_adult() -> None:
    facts = made().facts

    assert 45 < facts[MANDIBLE].volume_ml < 75
    assert 0.4 < facts[11].volume_ml < 0.75
    assert 0.2 < facts[41].volume_ml < 0.4
    assert 0.8 < facts[36].volume_ml < 1.4
    assert 10 < facts[LEFT_SINUS].volume_ml < 20
    assert 15 < facts[AIRWAY].volume_ml < 50


def test_volumes_hardly_depend_on_the_voxels() -> None:
    fine = made(replace(COARSE, spacing_mm=0.6, shape=(220, 266, 266)))

    for label in (SKULL, MANDIBLE, AIRWAY, LEFT_SINUS, SPINE, 36, 16):
        assert made().facts[label].volume_ml == pytest.approx(fine.facts[label].volume_ml, rel=0.03)


def test_every_tooth_stands_in_its_quadrant() -> None:
    facts = made(replace(COARSE, missing_teeth=frozenset())).facts

    for fdi in PERMANENT_FDI:
        x, _, z = facts[fdi].centroid_lps_mm
        assert (x > 0) == is_left(fdi)
        assert (z > 0) == is_upper(fdi)
    for quadrant in (1, 2, 3, 4):
        depths = [facts[quadrant * 10 + place].centroid_lps_mm[1] for place in range(1, 9)]
        assert depths == sorted(depths)


def test_missing_teeth_are_not_there() -> None:
    facts = made(replace(COARSE, missing_teeth=frozenset({36, 11}))).facts

    assert 36 not in facts
    assert 11 not in facts
    assert 46 in facts


def test_the_mandible_is_one_piece_from_chin_to_condyles() -> None:
    truth = made().truth
    bone = np.isin(truth.voxels, [MANDIBLE, LEFT_CANAL, RIGHT_CANAL, *range(31, 49)])

    pieces = cc3d.connected_components(bone, connectivity=6)
    sizes = np.bincount(pieces.ravel())[1:]
    assert sizes.max() / sizes.sum() > 0.999
    places = truth.points_lps_mm(np.argwhere(bone))
    for side in (-1, 1):
        assert np.linalg.norm(places - np.array(CONDYLE_MM) * [side, 1, 1], axis=1).min() < 1
    assert places[:, 2].min() < -35
    assert places[:, 1].min() < -5


@pytest.mark.parametrize("opening_mm", [0.0, 25.0])
def test_the_mandible_touches_no_other_bone(opening_mm: float) -> None:
    labels = made(replace(COARSE, mouth_opening_mm=opening_mm)).truth.voxels
    jaw = np.isin(labels, [MANDIBLE, RIGHT_CANAL, LEFT_CANAL])
    others = np.isin(labels, [SKULL, SPINE, *range(11, 29)])

    assert not (binary_dilation(jaw) & others).any()


def test_an_open_mouth_is_open_by_that_much() -> None:
    wide = made(replace(COARSE, mouth_opening_mm=25.0)).truth
    lower = wide.points_lps_mm(np.argwhere(wide.voxels == 41))[:, 2].max()
    closed = made().truth
    before = closed.points_lps_mm(np.argwhere(closed.voxels == 41))[:, 2].max()

    assert before - lower == pytest.approx(25 * np.cos(np.arctan2(42, 74) - np.radians(4)), abs=4)
    upper = made(replace(COARSE, mouth_opening_mm=25.0)).facts[11]
    np.testing.assert_allclose(upper.centroid_lps_mm, made().facts[11].centroid_lps_mm, atol=0.1)


def test_tissues_have_their_hounsfield_units() -> None:
    phantom = made(replace(COARSE, spacing_mm=0.5, shape=(120, 200, 200), centre_lps_mm=(0.0, 30.0, 0.0)))
    values, labels = phantom.volume.voxels, phantom.truth.voxels

    assert values[labels == 0].mean() == pytest.approx(-985, abs=15)  # clipped at -1024
    assert np.median(values[labels == SOFT_TISSUE]) == pytest.approx(10, abs=50)
    inside = values[labels == MANDIBLE]
    assert np.quantile(inside, 0.9) > 1100
    assert 250 < np.quantile(inside, 0.2) < 700
    assert np.quantile(values[labels == 36], 0.95) > 2300


def test_the_marker_is_on_the_left() -> None:
    with_marker = made(replace(COARSE, has_marker=True))
    new = (with_marker.volume.voxels > 1500) & (made().volume.voxels < 500)

    places = with_marker.volume.points_lps_mm(np.argwhere(new))

    np.testing.assert_allclose(places.mean(axis=0), MARKER_CENTRE_MM, atol=0.3)
    volume_mm3 = 4 / 3 * np.pi * MARKER_RADIUS_MM**3
    assert len(places) * 0.9**3 == pytest.approx(volume_mm3, rel=0.2)


def test_metal_throws_streaks_in_its_slices_only() -> None:
    plain, metal = made(), made(replace(COARSE, metal_teeth=frozenset({36})))
    difference = np.abs(plain.volume.voxels.astype(int) - metal.volume.voxels)
    heights = plain.volume.points_lps_mm(np.argwhere(difference > 100))[:, 2]

    assert len(heights) > 1000
    assert heights.min() > -20
    assert heights.max() < 12


def test_a_tilted_head_is_turned_about_its_pivot() -> None:
    turned = made(replace(COARSE, spacing_mm=1.3, shape=(120, 140, 140), tilt_degrees=(0.0, 0.0, 12.0)))
    angle = np.radians(12)
    x, y, _ = np.array(SINUS_CENTRE_MM) - [0, 60, 20]

    expected = [x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle) + 60]
    np.testing.assert_allclose(turned.facts[LEFT_SINUS].centroid_lps_mm[:2], expected, atol=0.3)
    assert turned.facts[LEFT_SINUS].volume_ml == pytest.approx(made().facts[LEFT_SINUS].volume_ml, rel=0.03)


def test_the_written_file_is_the_scan(tmp_path: Path) -> None:
    path = tmp_path / "phantom.dcm"
    write_phantom(made(), path)

    read = read_dicom(path)

    assert read.is_hu
    np.testing.assert_array_equal(read.voxels, made().volume.voxels)
    np.testing.assert_allclose(read.affine_lps, made().volume.affine_lps, atol=1e-6)
    judge = sitk.ReadImage(str(path))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(judge), read.voxels)
    np.testing.assert_allclose(judge.GetOrigin(), read.affine_lps[:3, 3], atol=1e-6)


def test_the_file_of_the_same_phantom_is_the_same(tmp_path: Path) -> None:
    for name in ("a.dcm", "b.dcm"):
        write_phantom(made(), tmp_path / name)

    assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()
