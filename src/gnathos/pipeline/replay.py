"""Doing a run again from its receipt, to see that the same comes out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gnathos.errors import ReplayRefused
from gnathos.pipeline.progress import Report
from gnathos.pipeline.receipt import made_with, sha256_of
from gnathos.pipeline.request import InputFile, OutputFile, Request, Result
from gnathos.pipeline.run import Engine, run


@dataclass(frozen=True)
class Replay:
    """What came of it."""

    differing: tuple[str, ...]
    """Outputs whose bytes differ, as `meshes 0`."""
    changed: tuple[str, ...]
    """What is of another version than then, as `numpy 2.3.1, now 2.4.0`."""
    result: Result

    @property
    def is_same(self) -> bool:
        """Whether every output has the same bytes."""
        return not self.differing


def replay(
    receipt: Mapping[str, Any], inputs: Mapping[str, Path], folder: Path, report: Report, engine: Engine | None = None
) -> Replay:
    """Run again and compare.

    Args:
        receipt: of the run's result.
        inputs: the files of then, by input key.
        folder: where the outputs are made anew.
        report: told of every step.
        engine: threads and limits.

    Raises:
        ReplayRefused: an input is missing or is not the file of then, or the receipt is not one.
    """
    try:
        request = _request_of(receipt, inputs)
        expected = {(each["kind"], each["position"]): each["sha256"] for each in receipt["outputs"]}
        changed = tuple(_changes(receipt))
    except (KeyError, TypeError, AttributeError) as error:
        raise ReplayRefused("The receipt does not say what was done.") from error
    result = run(request, folder, report, engine)
    made = {(each.kind, each.position): each.sha256 for each in result.outputs}
    differing = tuple(
        f"{kind} {position}" for (kind, position), sha in expected.items() if made.get((kind, position)) != sha
    )
    return Replay(differing, changed, result)


def _request_of(receipt: Mapping[str, Any], inputs: Mapping[str, Path]) -> Request:
    return Request(
        inputs=tuple(_input(each, inputs) for each in receipt["inputs"]),
        outputs=tuple(
            OutputFile(
                each["kind"], each["extension"], tuple(each["structures"]), each["position"], tuple(each["exclude"])
            )
            for each in receipt["outputs"]
        ),
        options=receipt["optionsSent"],
        version=receipt["apiVersion"],
    )


def _input(then: Mapping[str, Any], inputs: Mapping[str, Path]) -> InputFile:
    path = inputs.get(then["key"])
    if path is None or not path.exists():
        raise ReplayRefused(f"The input `{then['key']}` is not given.")
    if sha256_of(path) != then["sha256"]:
        raise ReplayRefused(f"The input `{then['key']}` is not the file of then.")
    return InputFile(then["key"], str(path.resolve()), then["extension"])


def _changes(receipt: Mapping[str, Any]) -> Iterator[str]:
    now = made_with()
    then = {"engine": receipt["engine"], "python": receipt["python"], **receipt["libraries"]}
    for name, version in {"engine": now["engine"], "python": now["python"], **now["libraries"]}.items():
        if then.get(name) != version:
            yield f"{name} {then.get(name)}, now {version}"
