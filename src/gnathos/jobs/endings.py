"""How a job ends: once, in one transaction, with all of its outputs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from gnathos.jobs.states import State, check_transition
from gnathos.jobs.tables import Job, Output
from gnathos.jobs.webhooks import add_delivery

FAILED = "Failed"
"""Status of an output that could not be computed."""


@dataclass(frozen=True)
class OutputEnding:
    """What became of one output."""

    kind: str
    position: int
    status: str
    object_key: str | None = None
    size_bytes: int = 0
    sha256: str = ""
    confidence: float = 0.0
    reason: dict[str, Any] | None = None
    parts: tuple[Mapping[str, Any], ...] = ()
    measures: Mapping[str, Any] = field(default_factory=dict)
    delivery: dict[str, Any] | None = None
    """What became of sending it to its `uploadUrl`."""


@dataclass(frozen=True)
class Ending:
    """What a job answers."""

    success: bool
    outputs: tuple[OutputEnding, ...] = ()
    error: dict[str, Any] | None = None
    warnings: tuple[Mapping[str, Any], ...] = ()
    coordinate_system: Mapping[str, Any] = field(default_factory=dict)
    receipt: Mapping[str, Any] = field(default_factory=dict)
    findings_keys: Mapping[str, str] = field(default_factory=dict)
    """By input: where it is kept what was found in it."""


def end_job(session: Session, job: Job, ending: Ending, after: State | None = None) -> None:
    """Move the job to its last state and make its outputs visible, within the session's transaction.

    Args:
        after: the state; as `ending.success` says if none is given.

    Raises:
        JobAlreadyEnded: it has one.
    """
    after = after or (State.SUCCEEDED if ending.success else State.FAILED)
    check_transition(State(job.state), after)
    job.state, job.stage, job.progress = after.value, "end", 1.0
    job.attempt_is_open = False
    job.ended_at = datetime.now(UTC)
    job.success = ending.success
    job.error = ending.error
    job.warnings = [dict(warning) for warning in ending.warnings]
    job.coordinate_system = dict(ending.coordinate_system)
    job.receipt = dict(ending.receipt)
    endings = {(each.kind, each.position): each for each in ending.outputs}
    for output in job.outputs:
        made = endings.get((output.kind, output.position))
        end_output(output, made or _not_made(output, ending.error))
    if job.finish_webhook:
        add_delivery(job.tenant_id, session, job.finish_webhook, job.id)
    session.flush()


def end_output(output: Output, ending: OutputEnding | None) -> None:
    """Write into an output's row what became of it; None: nothing yet."""
    for name in ("status", "object_key", "size_bytes", "sha256", "confidence", "reason", "delivery"):
        setattr(output, name, getattr(ending, name, None))
    output.parts = [dict(part) for part in ending.parts] if ending else []
    output.measures = dict(ending.measures) if ending else {}


def _not_made(output: Output, error: dict[str, Any] | None) -> OutputEnding:
    reason = error or {"code": "not_made", "detail": "The computation did not make this file."}
    return OutputEnding(output.kind, output.position, FAILED, reason=reason)
