"""The checks, one after the other, against one server."""

import time
from collections.abc import Iterator

from gnathos.conformance.check import Check, Finding, Level, Outcome
from gnathos.conformance.checks import CHECKS
from gnathos.conformance.jobs import PLANS
from gnathos.conformance.run import Run, planned
from gnathos.conformance.verdicts import Broken, Undecided

SURPRISES = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What reading an answer raises that is not of the shape it should have."""


def findings(run: Run) -> Iterator[Finding]:
    """What comes of each check, as it comes.

    Raises:
        Broken: there is no token to be had, so nothing can be checked.
    """
    _ = run.server.token
    with planned(run, PLANS):
        for check in CHECKS:
            yield look(check, run)


def look(check: Check, run: Run) -> Finding:
    """What comes of one check."""
    began = time.monotonic()
    try:
        outcome, detail = Outcome.PASSED, check.look(run) or ""
    except Undecided as reason:
        outcome, detail = Outcome.NOT_CHECKED, str(reason)
    except (Broken, *SURPRISES) as error:
        outcome = Outcome.NOT_OFFERED if check.level is Level.BEYOND else Outcome.FAILED
        detail = str(error) if isinstance(error, Broken) else f"an answer of another shape: {error!r}"
    return Finding(check, outcome, detail, time.monotonic() - began)
