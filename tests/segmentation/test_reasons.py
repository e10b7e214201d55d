"""Every reason and every warning comes out on a scan that was made to deserve it."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from gnathos.imaging import Volume
from gnathos.phantom import Phantom, PhantomParameters, make_phantom
from gnathos.pipeline.run import scan_warnings
from gnathos.segmentation import BuiltinSegmenter, Finding, Outcome, Reason

HEAD = PhantomParameters(spacing_mm=1.2, shape=(110, 133, 133))
LOWER_JAW = (2, 101, 102, *range(31, 49))
SOFT_HU, NOISE_HU = 50.0, 45.0


@cache
def phantom(**changes: object) -> Phantom:
    return make_phantom(PhantomParameters(**{**vars(HEAD), **changes}))  # type: ignore[arg-type]


def without_lower_jaw() -> Volume:
    """Soft tissue in its place, and around it as far as its bone is blurred."""
    whole = phantom()
    jaw = np.isin(whole.truth.voxels, LOWER_JAW)
    kept = np.isin(whole.truth.voxels, (0, 1, *range(11, 29)))
    place = jaw | (ndimage.binary_dilation(jaw, iterations=2) & ~kept)
    voxels = whole.volume.voxels.copy()
    voxels[place] = np.random.default_rng(0).normal(SOFT_HU, NOISE_HU, int(place.sum()))
    return whole.volume.with_voxels(voxels)


def noisy() -> Volume:
    voxels = phantom().volume.voxels + np.random.default_rng(0).normal(0, 1500, HEAD.shape)
    return phantom().volume.with_voxels(voxels.astype(np.int16))


SCANS: dict[str, Callable[[], Volume]] = {
    "whole": lambda: phantom().volume,
    "above the jaws": lambda: phantom(shape=(67, 133, 133), centre_lps_mm=(0.0, 70.0, 105.0)).volume,
    "without lower jaw": without_lower_jaw,
    "lower jaw cut": lambda: phantom().volume.crop((0, 0, 0), (60, 133, 133)),
    "right half": lambda: phantom().volume.crop((0, 0, 0), (110, 133, 67)),
    "one sinus": lambda: phantom(shape=(40, 50, 50), centre_lps_mm=(28.0, 30.0, 45.0)).volume,
    "metal": lambda: phantom(metal_teeth=frozenset({16, 36, 46})).volume,
    "air as dark as fat": lambda: phantom().volume.with_voxels(np.maximum(phantom().volume.voxels, -150)),
    "noise": noisy,
}


@cache
def said_of(name: str) -> tuple[dict[str, Finding], set[str]]:
    scan = SCANS[name]()
    found = BuiltinSegmenter(threads=2).segment(scan, list(EXPECTED.get(name, {})), lambda fraction: None)
    return dict(found.findings), {warning["code"] for warning in (*scan_warnings(scan), *found.warnings)}


MISSING, FOUND, FAILED = Outcome.MISSING, Outcome.FOUND, Outcome.FAILED


EXPECTED: dict[str, dict[str, tuple[Outcome, Reason | None]]] = {
    "whole": {"mandible": (FOUND, None), "skull": (FOUND, Reason.CUT_BY_BORDER)},
    "above the jaws": {
        "mandible": (MISSING, Reason.NOT_IN_FIELD_OF_VIEW),
        "airway": (MISSING, Reason.NOT_IN_FIELD_OF_VIEW),
        "left_sinus": (MISSING, Reason.NOT_IN_FIELD_OF_VIEW),
        "tooth16": (MISSING, Reason.NOT_IN_FIELD_OF_VIEW),
    },
    "without lower jaw": {"mandible": (MISSING, Reason.NOT_FOUND), "tooth36": (MISSING, Reason.NOT_FOUND)},
    "lower jaw cut": {"mandible": (FOUND, Reason.CUT_BY_BORDER), "left_sinus": (MISSING, Reason.NOT_IN_FIELD_OF_VIEW)},
    "right half": {
        "left_sinus": (MISSING, Reason.NOT_IN_FIELD_OF_VIEW),
        "right_sinus": (FOUND, None),
        "tooth36": (MISSING, Reason.NOT_IN_FIELD_OF_VIEW),
        "left_nerve": (MISSING, Reason.NOT_IN_FIELD_OF_VIEW),
    },
    "metal": {"mandible": (FOUND, Reason.METAL), "tooth36": (FOUND, Reason.METAL)},
    "air as dark as fat": {"left_sinus": (MISSING, Reason.TOO_LITTLE_CONTRAST)},
    "one sinus": {
        "left_sinus": (FAILED, Reason.NOT_IN_FIELD_OF_VIEW),
        "right_sinus": (FAILED, Reason.NOT_IN_FIELD_OF_VIEW),
    },
}


@pytest.mark.parametrize("scan", EXPECTED, ids=lambda name: name.replace(" ", "-"))
def test_the_reason_is_the_one_that_the_scan_was_made_for(scan: str) -> None:
    findings, _ = said_of(scan)

    assert {name: (finding.outcome, finding.reason) for name, finding in findings.items()} == EXPECTED[scan]
    assert all(finding.explanation for finding in findings.values() if finding.reason)


@pytest.mark.parametrize(
    ("scan", "code"),
    [("whole", "coarse_voxels"), ("whole", "field_of_view"), ("metal", "metal"), ("noise", "low_contrast")],
)
def test_a_scan_with_a_fault_is_warned_of(scan: str, code: str) -> None:
    assert code in said_of(scan)[1]


def test_a_scan_without_a_fault_is_not_warned_of_it() -> None:
    assert said_of("whole")[1].isdisjoint({"metal", "low_contrast", "motion", "uncalibrated_gray_values"})


def test_gray_values_that_nothing_calibrates_are_warned_of() -> None:
    uncalibrated = Volume(phantom().volume.voxels, phantom().volume.affine_lps)

    assert "uncalibrated_gray_values" in {warning["code"] for warning in scan_warnings(uncalibrated)}


@pytest.mark.parametrize("share", [0.0, 0.3], ids=["still", "moved"])
def test_a_head_that_is_there_twice_is_warned_of(share: float) -> None:
    still = phantom(spacing_mm=0.5, shape=(100, 140, 140), centre_lps_mm=(0.0, 35.0, 5.0)).volume
    again = np.roll(still.voxels, (2, 3, 3), (0, 1, 2))
    scan = still.with_voxels(((1 - share) * still.voxels + share * again).astype(np.int16))
    found = BuiltinSegmenter(threads=2).segment(scan, [], lambda fraction: None)

    assert ("motion" in {warning["code"] for warning in found.warnings}) == (share > 0)
