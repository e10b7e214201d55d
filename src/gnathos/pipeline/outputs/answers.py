"""What is said of an output file."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gnathos.errors import GnathosError
from gnathos.pipeline.case import Case
from gnathos.pipeline.receipt import sha256_of
from gnathos.pipeline.request import OutputFile, OutputResult
from gnathos.segmentation import Finding, Outcome

STATUS_OF = {Outcome.FOUND: "Available", Outcome.MISSING: "Missing", Outcome.FAILED: "Failed"}
"""The contract's words."""


def available(
    output: OutputFile,
    case: Case,
    path: Path,
    measures: Mapping[str, Any],
    findings: Mapping[str, Finding] | None = None,
) -> OutputResult:
    """The file is there.

    Args:
        output: as asked for.
        case: the run.
        path: of the file, relative to the run's folder.
        measures: what can be counted of it.
        findings: what it shows; those of its structures where None.
    """
    file = case.folder / path
    return replace(
        _of_findings(output, case.findings_for(output) if findings is None else findings),
        status=STATUS_OF[Outcome.FOUND],
        path=str(path),
        size_bytes=file.stat().st_size,
        sha256=sha256_of(file),
        measures=measures,
    )


def not_found(output: OutputFile, case: Case, findings: Mapping[str, Finding] | None = None) -> OutputResult:
    """Nothing that it should show was found; missing if that is all, failed if something could not be computed."""
    return _of_findings(output, case.findings_for(output) if findings is None else findings)


def failed(output: OutputFile, case: Case, error: GnathosError) -> OutputResult:
    """It could not be made."""
    answer = _of_findings(output, case.findings_for(output))
    return replace(answer, status=STATUS_OF[Outcome.FAILED], reason=error.as_reason())


def _of_findings(output: OutputFile, findings: Mapping[str, Finding]) -> OutputResult:
    outcomes = {finding.outcome for finding in findings.values()}
    reasons = [reason for finding in findings.values() if (reason := _reason_of(finding)) is not None]
    return OutputResult(
        kind=output.kind,
        position=output.position,
        extension=output.extension,
        structures=output.structures,
        status=STATUS_OF[Outcome.MISSING if outcomes <= {Outcome.MISSING} else Outcome.FAILED],
        confidence=round(min((finding.confidence for finding in findings.values()), default=1.0), 3),
        reason=reasons[0] if reasons else None,
        parts=tuple(part_of(name, finding) for name, finding in findings.items()),
    )


def part_of(name: str, finding: Finding) -> dict[str, Any]:
    """What is known of one structure, as results carry it."""
    return {
        "structure": name,
        "status": STATUS_OF[finding.outcome],
        "confidence": round(finding.confidence, 3),
        "reason": _reason_of(finding),
    }


def _reason_of(finding: Finding) -> dict[str, str] | None:
    return None if finding.reason is None else {"code": finding.reason.value, "detail": finding.explanation}
