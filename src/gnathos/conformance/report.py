"""What was found: as it is found, as a table, as JSON."""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from gnathos.conformance.check import Finding, Level, Outcome

STYLES = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.NOT_OFFERED: "yellow",
    Outcome.NOT_CHECKED: "cyan",
}

WIDTH = 160
"""Of the table where there is no terminal."""


class Ticker:
    """Shows on standard error how far the checks are; a context manager."""

    def __init__(self, total: int) -> None:
        self._console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=self._console, disable=not self._console.is_terminal, transient=True)
        self._task = self._bar.add_task("sending scans", total=total)

    def show(self, finding: Finding) -> None:
        """One more."""
        if not self._console.is_terminal:
            sys.stderr.write(f"{finding.outcome:<11}  {finding.check.section:<11}  {finding.check.name}\n")
            sys.stderr.flush()
        self._bar.update(self._task, advance=1, description=f"section {finding.check.section}")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


def is_kept(found: Iterable[Finding]) -> bool:
    """Whether the server keeps the contract, as far as it could be checked."""
    return all(each.outcome is not Outcome.FAILED for each in found)


def print_table(found: Sequence[Finding]) -> None:
    """Everything, in the order of the documentation, and a count."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    table = Table("section", "what")
    for name in ("level", "outcome"):
        table.add_column(name, no_wrap=True)
    table.add_column("detail")
    for place, each in enumerate(found):
        is_new = place == 0 or found[place - 1].check.section != each.check.section
        if is_new and place:
            table.add_section()
        outcome = Text(each.outcome, STYLES[each.outcome])
        section = each.check.section if is_new else ""
        table.add_row(section, Text(each.check.name), each.check.level, outcome, Text(each.detail))
    console.print(table)
    for level in Level:
        console.print(f"{level}: {_counted(each.outcome for each in found if each.check.level is level)}")


def as_json(found: Sequence[Finding], url: str, version: str) -> dict[str, Any]:
    """The same for programs."""
    return {
        "url": url,
        "version": version,
        "kept": is_kept(found),
        "summary": {
            level: dict(Counter(each.outcome for each in found if each.check.level is level)) for level in Level
        },
        "checks": [
            {
                "section": each.check.section,
                "name": each.check.name,
                "level": each.check.level,
                "outcome": each.outcome,
                "detail": each.detail,
                "seconds": round(each.seconds, 3),
            }
            for each in found
        ],
    }


def _counted(outcomes: Iterable[Outcome]) -> str:
    counts = Counter(outcomes)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
