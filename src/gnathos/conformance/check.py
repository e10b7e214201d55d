"""What a check is, what can come of it, and how the checks of a section are listed."""

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gnathos.conformance.run import Run


class Level(enum.StrEnum):
    """How binding what is checked is."""

    CONTRACT = "required by the contract"
    """The documentation says so."""
    TOLERANT = "tolerant reading"
    """The documentation leaves it open or contradicts itself; clients written for either reading work."""
    BEYOND = "beyond the contract"
    """Not documented there; a server without it keeps the contract all the same."""


class Outcome(enum.StrEnum):
    """What came of a check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_OFFERED = "not offered"
    """Of what is beyond the contract: not there, or not as it is here."""
    NOT_CHECKED = "not checked"
    """It could not be decided; the detail says what is needed."""


Look = Callable[[Run], str | None]
"""Looks at the server; raises `Broken` or `Undecided`, or returns a note."""


@dataclass(frozen=True)
class Check:
    """One thing that a server does or does not do."""

    section: str
    """Of the documentation, `1.6` for one; `quick start`; `beyond`."""
    name: str
    level: Level
    look: Look


@dataclass(frozen=True)
class Finding:
    """What came of a check."""

    check: Check
    outcome: Outcome
    detail: str
    seconds: float


@dataclass
class Section:
    """The checks of one section, in the order of their definition."""

    title: str
    checks: list[Check] = field(default_factory=list)

    def contract(self, name: str) -> Callable[[Look], Look]:
        """Decorates what the documentation requires."""
        return lambda look: self.add(name, Level.CONTRACT, look)

    def tolerant(self, name: str) -> Callable[[Look], Look]:
        """Decorates what it leaves open."""
        return lambda look: self.add(name, Level.TOLERANT, look)

    def beyond(self, name: str) -> Callable[[Look], Look]:
        """Decorates what it does not know."""
        return lambda look: self.add(name, Level.BEYOND, look)

    def add(self, name: str, level: Level, look: Look) -> Look:
        """List a check."""
        self.checks.append(Check(self.title, name, level, look))
        return look

    def __iter__(self) -> Iterator[Check]:
        return iter(self.checks)
