"""What was found in a scan, kept so that other files of the same scan need no second search.

One gzipped stream: a line of JSON, then the fields' voxels in the order of the line.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from isal import igzip

from gnathos import __version__
from gnathos.errors import ScanError
from gnathos.imaging import Volume
from gnathos.imaging.limits import Limits
from gnathos.imaging.streams import open_content, read_voxels
from gnathos.pipeline.request import FOUND_FILE, KNOWN_FILE
from gnathos.segmentation import Finding, Outcome, Reason, Segmentation

LARGEST_BYTES = 600_000_000
"""Fields larger than this, all together, are not kept: writing them would take longer than it saves."""

COMPRESSION = 1
"""Of gzip's levels the quickest."""


def recall(folder: Path, segmenter: Mapping[str, str], limits: Limits) -> Segmentation:
    """What an earlier run has found, if the same segmenter of the same engine did; else, or if it is damaged, nothing.

    Args:
        folder: the run's.
        segmenter: `name` and `version` of the present one.
        limits: caps on the fields.
    """
    path = folder / KNOWN_FILE
    if not path.exists():
        return Segmentation({})
    try:
        return _read(path, segmenter, limits)
    except (ScanError, ValueError, KeyError, TypeError):
        return Segmentation({})


def _read(path: Path, segmenter: Mapping[str, str], limits: Limits) -> Segmentation:
    with open_content(path) as stream:
        header = json.loads(stream.readline())
        if header["by"] != _identity(segmenter):
            return Segmentation({})
        findings = {name: _read_finding(stream, each, limits) for name, each in header["findings"].items()}
    return Segmentation(findings, tuple(header["warnings"]))


def remember(folder: Path, segmenter: Mapping[str, str], found: Segmentation) -> None:
    """Write down what was found."""
    if sum(each.field.voxels.nbytes for each in found.findings.values() if each.field is not None) > LARGEST_BYTES:
        return
    header = {
        "by": _identity(segmenter),
        "warnings": list(found.warnings),
        "findings": {name: _finding_header(each) for name, each in found.findings.items()},
    }
    part = folder / f"{FOUND_FILE}.part"
    with igzip.open(part, "wb", compresslevel=COMPRESSION) as stream:  # type: ignore[no-untyped-call]
        stream.write(json.dumps(header).encode() + b"\n")
        for each in found.findings.values():
            if each.field is not None:
                stream.write(np.ascontiguousarray(each.field.voxels).reshape(-1).view(np.uint8).data)
    part.replace(folder / FOUND_FILE)


def _identity(segmenter: Mapping[str, str]) -> dict[str, str]:
    return {**segmenter, "engine": __version__}


def _finding_header(finding: Finding) -> dict[str, Any]:
    return {
        "outcome": finding.outcome.value,
        "confidence": finding.confidence,
        "reason": finding.reason.value if finding.reason else None,
        "explanation": finding.explanation,
        "field": _field_header(finding.field) if finding.field is not None else None,
    }


def _field_header(field: Volume) -> dict[str, Any]:
    return {
        "shape": list(field.shape),
        "dtype": field.voxels.dtype.str,
        "affineLps": field.affine_lps.tolist(),
        "isHu": field.is_hu,
        "frameOfReferenceUID": field.frame_of_reference_uid,
    }


def _read_finding(stream: BinaryIO, header: Mapping[str, Any], limits: Limits) -> Finding:
    return Finding(
        outcome=Outcome(header["outcome"]),
        confidence=header["confidence"],
        reason=Reason(header["reason"]) if header["reason"] else None,
        explanation=header["explanation"],
        field=_read_field(stream, header["field"], limits) if header["field"] else None,
    )


def _read_field(stream: Any, header: Mapping[str, Any], limits: Limits) -> Volume:
    slices, rows, columns = header["shape"]
    voxels = read_voxels(stream, (slices, rows, columns), np.dtype(header["dtype"]), limits)
    return Volume(voxels, np.array(header["affineLps"]), header["isHu"], header["frameOfReferenceUID"])
