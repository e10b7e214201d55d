"""The worker as a process: `python -m gnathos.worker`; settings from the environment."""

import asyncio
import os
import sys
from collections.abc import Sequence

from gnathos.children.scratch import scratch_folder
from gnathos.jobs.database import migrate
from gnathos.logs import write_logs
from gnathos.settings import Settings
from gnathos.traces import traces
from gnathos.worker.service import PIPELINE, WorkerService

PRIVATE_UMASK = 0o077
"""Scans are for this user alone."""

START_TIMEOUT_S = 30
"""How long the worker waits for the database when it starts."""


def main(command: Sequence[str] = PIPELINE) -> None:
    """Work until told to stop; end with 1 where something else ended it, to be started again.

    Args:
        command: what runs an attempt; the attempt's folder is appended.
    """
    os.umask(PRIVATE_UMASK)
    settings = Settings.from_environment()
    write_logs(settings.log_level)
    traces.start("worker")
    migrate(settings.database_url, START_TIMEOUT_S)
    with scratch_folder(settings.data / "scratch") as scratch:
        was_told = asyncio.run(WorkerService(settings, scratch.resolve(), command).run())
    sys.exit(0 if was_told else 1)


if __name__ == "__main__":
    main()
