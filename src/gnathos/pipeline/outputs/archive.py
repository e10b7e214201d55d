"""All other outputs in one file."""

import json
import re
import zipfile
from typing import Any

from gnathos.pipeline.case import Case
from gnathos.pipeline.outputs.answers import available
from gnathos.pipeline.request import OutputFile, OutputResult

_ALREADY_PACKED = (".gz", ".nrrd", ".png", ".drc", ".zip")
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold; the present one would change the bytes."""
_LONGEST_NAME = 80


def make_archive(output: OutputFile, case: Case) -> OutputResult:
    """Write a zip of what was made before, and a summary of it; the same files give the same bytes.

    What became of each structure is said of the files that show it, and in the summary: a zip is there or is not.
    """
    path = case.path_for(output)
    entries = {archive_name(result): result for result in case.results if result.path is not None}
    with zipfile.ZipFile(case.folder / path, "w") as archive:
        for name, result in sorted(entries.items()):
            _add(archive, name, (case.folder / str(result.path)).read_bytes())
        summary = {"outputs": [_summary(result) for result in case.results if result.kind != output.kind]}
        _add(archive, "summary.json", json.dumps(summary, indent=2).encode())
    return available(output, case, path, {"files": len(entries) + 1}, {})


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_STORED if name.endswith(_ALREADY_PACKED) else zipfile.ZIP_DEFLATED
    archive.writestr(entry, content, compresslevel=1)


def archive_name(result: OutputResult) -> str:
    """A file's name in the archive: `meshes/0-mandible.stl`."""
    words = re.sub(r"[^a-z0-9]+", "_", "-".join(result.structures).lower()).strip("_")
    return f"{result.kind}/{'-'.join(filter(None, (str(result.position), words[:_LONGEST_NAME])))}{result.extension}"


def _summary(result: OutputResult) -> dict[str, Any]:
    return {
        "kind": result.kind,
        "position": result.position,
        "structures": list(result.structures),
        "status": result.status,
        "file": archive_name(result) if result.path is not None else None,
        "sha256": result.sha256 or None,
        "confidence": result.confidence,
        "reason": result.reason,
        "parts": list(result.parts),
        "measures": result.measures,
    }
