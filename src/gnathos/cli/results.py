"""A job's result as a person and as a script read it."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from gnathos import errors
from gnathos.cli.exits import Exit
from gnathos.cli.tables import print_table
from gnathos.client import FileResult, Result
from gnathos.client.jobs import files_of, is_available

COLUMNS = ("file", "status", "confidence", "ml", "triangles", "saved as, or the reason")


def tell_result(result: Result, saved: Sequence[Path], as_json: bool) -> Exit:
    """Print a row per file, or the result with the places of what was saved; the exit code."""
    if as_json:
        print(json.dumps({**result, "saved": [str(path) for path in saved]}, indent=2))
    elif result["success"]:
        print_table(COLUMNS, _rows(result, saved))
    return exit_of(result)


def exit_of(result: Result) -> Exit:
    """The exit code of a result; why a job failed goes to standard error."""
    if not result["success"]:
        error = result.get("error") or {}
        print(error.get("detail", "The job failed."), error.get("remedy", ""), sep="\n", file=sys.stderr)
        return Exit.SCAN_UNREADABLE if error.get("code") in _scan_codes() else Exit.UNEXPECTED
    return Exit.OK if any(is_available(file) for _, file in files_of(result)) else Exit.NOTHING_FOUND


def _rows(result: Result, saved: Sequence[Path]) -> Iterator[tuple[str, ...]]:
    paths = iter(saved)
    for kind, file in files_of(result):
        place = str(next(paths, "")) if is_available(file) else ""
        reason = (file.get("reason") or {}).get("detail", "")
        yield _name(kind, file), file["status"], *_figures(file), ". ".join(filter(None, [place, reason]))


def _name(kind: str, file: FileResult) -> str:
    return "+".join(file.get("structures") or []) or kind


def _figures(file: FileResult) -> tuple[str, str, str]:
    measures = file.get("measures") or {}
    volume_ml, triangles, confidence = measures.get("volumeMl"), measures.get("triangles"), file.get("confidence")
    return (
        "" if confidence is None or not is_available(file) else f"{confidence:.2f}",
        "" if volume_ml is None else f"{volume_ml:.2f}",
        "" if triangles is None else str(triangles),
    )


def _scan_codes() -> set[str]:
    """The codes that say that the scan is at fault."""
    kinds = [errors.ScanError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return {kind.code for kind in kinds}
