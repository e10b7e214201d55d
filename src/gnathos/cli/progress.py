"""Progress of a job: on a terminal a bar that keeps moving, elsewhere a line per stage and now and then."""

import math
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.progress import BarColumn, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from gnathos.client import Progress
from gnathos.pipeline.progress import STAGE_SHARES

STAGE_NAMES = {
    "upload": "sending the scan",
    "fetch": "fetching the scan",
    "queue": "waiting for a worker",
    "start": "starting",
    "read": "reading",
    "check": "checking",
    "segment": "segmenting",
    "mesh": "meshing",
    "write": "writing",
    "deliver": "delivering",
    "download": "fetching the results",
    "phantom": "making a head",
    "evaluate": "finding and comparing",
}
CREEP_S = 20.0
"""How slowly the bar goes on by itself between two reports."""
CREEP_SHARE = 0.9
"""Which part of the way to the stage's end it goes at most."""
QUIET_S = 10.0
"""How long a log stays without a line."""


class StageProgress:
    """Shows stages on standard error; a context manager."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._stage = ""
        self._fraction = 0.0
        self._began = self._told_at = self._line_at = time.monotonic()
        self._ended = threading.Event()
        self._lines = threading.Thread(target=self._keep_telling, daemon=True)
        self._bar = _MovingBar(
            SpinnerColumn(),
            TextColumn("{task.description:<22}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )
        self._bar.add_task("starting", total=None)
        self._bar.before_drawing = self._move

    def tell(self, progress: Progress) -> None:
        """Show a report of the client."""
        self.show(progress.stage, progress.fraction)

    def show(self, stage: str, fraction: float) -> None:
        """Show that `fraction` (0-1) is done; the bar begins anew where what it measures changes."""
        is_new = stage != self._stage
        if is_new or fraction != self._fraction:
            self._stage, self._fraction, self._told_at = stage, fraction, time.monotonic()
        if is_new and not self._console.is_terminal:
            self._print_line(with_share=False)

    def _move(self) -> None:
        shown = creeping(self._stage, self._fraction, time.monotonic() - self._told_at)
        (task,) = self._bar.tasks
        task.description = STAGE_NAMES.get(self._stage, self._stage or "starting")
        task.completed, task.total = (0.0, None) if shown is None else (shown, 1.0)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        else:
            self._lines.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._console.is_terminal:
            self._bar.stop()

    def _keep_telling(self) -> None:
        while not self._ended.wait(QUIET_S / 5):
            if time.monotonic() - self._line_at >= QUIET_S and self._stage:
                self._print_line(with_share=True)

    def _print_line(self, with_share: bool) -> None:
        self._line_at = time.monotonic()
        shown = creeping(self._stage, self._fraction, 0.0) if with_share else None
        share = "" if shown is None else f", {shown:.0%} done"
        name = STAGE_NAMES.get(self._stage, self._stage)
        print(f"{self._line_at - self._began:6.1f} s  {name}{share}", file=sys.stderr, flush=True)


class _MovingBar(Bar):
    """Asks where it should be each time that it is drawn."""

    before_drawing: Callable[[], None] | None = None

    def get_renderable(self) -> RenderableType:
        """What is drawn, moved on."""
        if self.before_drawing is not None:
            self.before_drawing()
        return super().get_renderable()


def creeping(stage: str, fraction: float, since_s: float) -> float | None:
    """Where the bar is, 0-1, `since_s` after a report; None for a stage that nobody knows the length of.

    Within the stages of a run it goes on by itself, ever slower, towards the end of the stage, and never reaches it.
    """
    if stage in {"upload", "download"}:
        return fraction
    if stage not in STAGE_SHARES:
        return None
    names = list(STAGE_SHARES)
    end = sum(STAGE_SHARES[name] for name in names[: names.index(stage) + 1])
    return fraction + max(end - fraction, 0.0) * CREEP_SHARE * (1 - math.exp(-since_s / CREEP_S))
