"""What was found in a scan comes back as it was, to the last bit, or not at all."""

from pathlib import Path

import numpy as np
from tests.makers import scans

from gnathos.imaging.limits import Limits
from gnathos.pipeline.memory import recall, remember
from gnathos.pipeline.request import FOUND_FILE, KNOWN_FILE
from gnathos.segmentation import Finding, Outcome, Reason, Segmentation

SEGMENTER = {"name": "gnathos", "version": "1+abc"}


def found() -> Segmentation:
    volume = scans.small_volume()
    voxels = np.random.default_rng(1).normal(size=volume.shape).astype(np.float32)
    field = volume.with_voxels(voxels).reorient((2, 0, 1), (True, False, True))
    findings = {
        "mandible": Finding(Outcome.FOUND, 0.97, Reason.CUT_BY_BORDER, "It is cut.", field),
        "tooth18": Finding(Outcome.MISSING, 0.8, Reason.NOT_FOUND, "It is not there."),
        "skull": Finding(Outcome.FOUND, 0.9, field=field.crop((1, 1, 1), (3, 3, 3))),
    }
    return Segmentation(findings, ({"code": "metal", "detail": "There is metal."},))


def remembered(folder: Path) -> None:
    remember(folder, SEGMENTER, found())
    (folder / FOUND_FILE).rename(folder / KNOWN_FILE)


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    remembered(tmp_path)

    known, expected = recall(tmp_path, SEGMENTER, Limits()), found()

    assert known.warnings == expected.warnings
    assert list(known.findings) == list(expected.findings)
    for name, finding in expected.findings.items():
        again = known.findings[name]
        facts = ("outcome", "confidence", "reason", "explanation")
        assert [getattr(again, fact) for fact in facts] == [getattr(finding, fact) for fact in facts]
        if finding.field is None:
            assert again.field is None
            continue
        assert again.field.voxels.dtype == np.float32
        np.testing.assert_array_equal(again.field.voxels, finding.field.voxels)
        np.testing.assert_array_equal(again.field.affine_lps, finding.field.affine_lps)


def test_another_version_of_the_segmenter_knows_nothing(tmp_path: Path) -> None:
    remembered(tmp_path)

    assert recall(tmp_path, {**SEGMENTER, "version": "2+abc"}, Limits()).findings == {}
    assert recall(tmp_path / "elsewhere", SEGMENTER, Limits()).findings == {}


def test_what_is_damaged_is_not_known(tmp_path: Path) -> None:
    remembered(tmp_path)
    whole = (tmp_path / KNOWN_FILE).read_bytes()

    for content in (whole[: len(whole) // 2], whole[:40], b"", b"no gzip at all", whole[:-100] + bytes(100)):
        (tmp_path / KNOWN_FILE).write_bytes(content)
        assert recall(tmp_path, SEGMENTER, Limits()).findings == {}
