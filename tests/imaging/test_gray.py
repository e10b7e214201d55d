"""Hounsfield units told from other units, in histograms of every kind."""

import numpy as np
import pytest
from tests.shared import shared_path

from gnathos.dicom import read_dicom
from gnathos.imaging.gray import looks_like_hu


def _head(sigma: float = 40.0, has_outside_air: bool = True, filling: float | None = None) -> np.ndarray:
    """HU of a block of soft tissue with bone, teeth and an airway in it; air around, or filling around a cylinder."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:70, :70]
    hu = np.full((60, 70, 70), 30.0)
    hu[:, 10:20, 20:50] = 450
    hu[:, 10:12, 20:50] = 1400
    hu[20:26, 10:18, 20:50] = 2500
    hu[:, 45:52, 30:40] = -1000
    hu[:, 25:40, 5:15] = -90
    if has_outside_air:
        hu[:, :, :6] = hu[:, :6] = hu[:, :, 64:] = -1000
    hu += random.normal(0, sigma, hu.shape)
    if filling is not None:
        hu[:, np.hypot(rows - 35, columns - 35) > 33] = filling
    return hu


VARIANTS = {
    "air around": _head(),
    "air around, noisy": _head(sigma=120.0),
    "no air around": _head(has_outside_air=False),
    "filling far below": _head(filling=-2000.0),
    "filling far below, no air around": _head(filling=-2000.0, has_outside_air=False),
    "filling of air": _head(filling=-1000.0),
    "filling of nothing": _head(filling=0.0),
    "clipped": np.clip(_head(), -1000, 3000),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_hounsfield_units_are_known(variant: str) -> None:
    assert looks_like_hu(np.rint(VARIANTS[variant]).astype(np.int16))


@pytest.mark.parametrize("variant", [each for each in VARIANTS if each != "filling of nothing"])
@pytest.mark.parametrize(("scale", "offset"), [(1.0, 1024), (1.0, 1000), (0.5, 600), (0.3, 310), (1.8, 4000)])
def test_other_units_are_not_taken_for_them(variant: str, scale: float, offset: float) -> None:
    gray = np.maximum(VARIANTS[variant] * scale + offset, 0)

    assert not looks_like_hu(np.rint(gray).astype(np.int16))


def test_a_constant_scan_has_no_units() -> None:
    assert not looks_like_hu(np.full((8, 8, 8), 5))


@pytest.mark.parametrize(("name", "expected"), [("scans/head_ct_dicom", False), ("scans/gantry_tilt_dicom", True)])
def test_real_scans(name: str, expected: bool) -> None:
    assert read_dicom(shared_path(name)).is_hu == expected
