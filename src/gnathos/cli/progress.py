"""Progress of a job: a bar on a terminal, a line per stage elsewhere."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

STAGE_NAMES = {
    "upload": "sending the scan",
    "queue": "waiting for a worker",
    "start": "starting",
    "read": "reading",
    "check": "checking",
    "segment": "segmenting",
    "mesh": "meshing",
    "write": "writing",
    "download": "fetching the mesh",
}


class StageProgress:
    """Shows stages on standard error; a context manager."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bar = Bar(
            TextColumn("{task.description:<22}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=1.0)
        self._stage = ""
        self._began = time.monotonic()

    def show(self, stage: str, fraction: float) -> None:
        """Show that `fraction` (0-1) is done; the bar begins anew where what it measures changes."""
        name = STAGE_NAMES.get(stage, stage)
        if not self._console.is_terminal and stage != self._stage:
            print(f"{time.monotonic() - self._began:6.1f} s  {name}", file=sys.stderr, flush=True)
        self._stage = stage
        self._bar.update(self._task, description=name, completed=fraction)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
