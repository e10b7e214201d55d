"""Which stage a run is in, how far it is, and how long each took."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from gnathos.pipeline.request import OutputResult

STAGE_SHARES = {"read": 0.2, "check": 0.05, "segment": 0.45, "mesh": 0.25, "write": 0.05}
"""The stages in order, and about how much of a run each takes."""


@dataclass(frozen=True)
class Progress:
    """One report."""

    stage: str
    progress: float
    """0-1 of the whole run."""
    seconds: Mapping[str, float]
    """Of the stages that ended."""
    made: OutputResult | None = None
    """The output that is finished with this report, its file written."""


Report = Callable[[Progress], None]


class Clock:
    """Times the stages and reports."""

    def __init__(self, report: Report) -> None:
        self.seconds: dict[str, float] = {}
        self._report = report
        self._stage = ""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Run one stage; its time is taken also when it fails."""
        self._stage = name
        self.advance(0.0)
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(time.perf_counter() - began, 3)

    def advance(self, fraction: float, made: OutputResult | None = None) -> None:
        """Report that 0-1 of the present stage is done, and with it perhaps an output."""
        names = list(STAGE_SHARES)
        before = sum(STAGE_SHARES[name] for name in names[: names.index(self._stage)])
        whole = before + STAGE_SHARES[self._stage] * min(max(fraction, 0.0), 1.0)
        self._report(Progress(self._stage, round(whole, 4), dict(self.seconds), made))
