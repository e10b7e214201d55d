"""A job with every kind and format of output, done again from its receipt.

What is found is given to both runs, so that they take no network; `tests/cli` replays one with it.
"""

import json
from pathlib import Path

from tests.makers.cases import findings_of_truth

from gnathos.anatomy import OUTPUT_EXTENSIONS, Family
from gnathos.imaging import Volume
from gnathos.phantom import PhantomParameters, make_phantom, write_phantom
from gnathos.pipeline import InputFile, OutputFile, Request
from gnathos.pipeline.memory import remember
from gnathos.pipeline.replay import replay
from gnathos.pipeline.request import FOUND_FILE, KNOWN_FILE
from gnathos.pipeline.run import run
from gnathos.segmentation import BuiltinSegmenter, Segmentation

STRUCTURES = ("tooth46", "right_nerve")
OUTPUTS = tuple(
    OutputFile(kind, extension, () if kind in {"panoramic", "archive"} else STRUCTURES, position)
    for kind, extensions in OUTPUT_EXTENSIONS.items()
    for position, extension in enumerate(extensions)
)
UNDECIMATED = {family.value: {"decimateMaxError": 0} for family in Family}
"""The proof of a bound takes its time, and is looked at elsewhere."""


def know(folder: Path, truth: Volume) -> None:
    folder.mkdir()
    segmenter = BuiltinSegmenter()
    identity = {"name": segmenter.name, "version": segmenter.version}
    remember(folder, identity, Segmentation(findings_of_truth(truth)))
    (folder / FOUND_FILE).rename(folder / KNOWN_FILE)


def test_every_output_has_the_same_bytes(tmp_path: Path) -> None:
    phantom = make_phantom(PhantomParameters(spacing_mm=2.0, shape=(55, 70, 64)))
    write_phantom(phantom, tmp_path / "scan.dcm")
    for name in ("then", "now"):
        know(tmp_path / name, phantom.truth)
    request = Request((InputFile("cbct", str(tmp_path / "scan.dcm"), ".dcm"),), OUTPUTS, UNDECIMATED)

    then = run(request, tmp_path / "then", lambda progress: None)
    receipt = json.loads(json.dumps(then.receipt))
    again = replay(receipt, {"cbct": tmp_path / "scan.dcm"}, tmp_path / "now", lambda progress: None)

    assert [each.status for each in then.outputs] == ["Available"] * len(OUTPUTS)
    assert again.differing == ()
    for each in then.outputs:
        assert (tmp_path / "then" / str(each.path)).read_bytes() == (tmp_path / "now" / str(each.path)).read_bytes()
