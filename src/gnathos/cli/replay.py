"""`gnathos replay`: a run done again from its receipt, and what differs."""

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gnathos.cli.exits import Exit
from gnathos.cli.progress import StageProgress
from gnathos.errors import ReplayRefused
from gnathos.pipeline.replay import Replay, replay


def run(receipt: Path, inputs: Sequence[str], as_json: bool) -> Exit:
    """Do it again and say whether every output has the same bytes."""
    with tempfile.TemporaryDirectory(prefix="gnathos-replay-") as folder, StageProgress() as bar:
        given = dict(map(_given_input, inputs))
        again = replay(_read_receipt(receipt), given, Path(folder), lambda each: bar.show(each.stage, each.progress))
    if as_json:
        found = {"same": again.is_same, "changed": list(again.changed), "differing": list(again.differing)}
        print(json.dumps(found, indent=2))
    else:
        _print(again)
    return Exit.OK if again.is_same else Exit.UNEXPECTED


def _read_receipt(path: Path) -> Mapping[str, Any]:
    """The receipt, or that of a whole result."""
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise ReplayRefused("The receipt is not JSON.") from error
    receipt = content.get("receipt", content) if isinstance(content, dict) else None
    if not isinstance(receipt, dict):
        raise ReplayRefused("The receipt does not say what was done.")
    return receipt


def _given_input(text: str) -> tuple[str, Path]:
    key, equals, path = text.partition("=")
    return (key, Path(path)) if equals else ("cbct", Path(text))


def _print(again: Replay) -> None:
    for change in again.changed:
        print(f"Not as then: {change}")
    for output in again.differing:
        print(f"Other bytes: {output}", file=sys.stderr)
    if again.is_same:
        print(f"The same bytes in all of {len(again.result.outputs)} outputs.")
