"""One run in a process of its own: `python -m gnathos.pipeline FOLDER`."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from gnathos.imaging.limits import Limits
from gnathos.pipeline.progress import Progress
from gnathos.pipeline.request import Request
from gnathos.pipeline.run import Engine, run

BYTES_PER_MB = 10**6


def main() -> None:
    """Read FOLDER/request.json, report each step as a line of JSON, write FOLDER/result.json."""
    folder = Path(sys.argv[1])
    request = Request.load(folder)
    run(request, folder, _print_progress, _engine_from_environment()).save(folder)


def _engine_from_environment() -> Engine:
    unpacked_mb = int(os.environ.get("GNATHOS_MAX_UNPACKED_MB", "8192"))
    threads = int(os.environ.get("GNATHOS_THREADS", "0"))
    return Engine(threads, Limits(max_unpacked_bytes=unpacked_mb * BYTES_PER_MB), remembers=True)


def _print_progress(progress: Progress) -> None:
    print(json.dumps(asdict(progress)), flush=True)  # noqa: T201  the worker reads these lines


if __name__ == "__main__":
    main()
