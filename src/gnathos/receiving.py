"""The receiving check: a file that came is looked at, in a process of its own, before its job waits for its turn."""

import asyncio
import contextlib
import json
import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from gnathos.children.child import ChildEnd, ChildLimits, run_child
from gnathos.errors import InputRefused, ScanError
from gnathos.pipeline.request import SCAN_KEY
from gnathos.settings import Settings
from gnathos.storage import ObjectStore, StoredObject

logger = logging.getLogger(__name__)

CHECK = (sys.executable, "-m", "gnathos.pipeline.check")

DEIDENTIFY = (sys.executable, "-m", "gnathos.pipeline.deidentify")

REFUSED = 4
"""Exit code of a check that refuses its file."""

AT_ONCE = 2
"""Files that one process looks at at the same time; the others wait."""

BYTES_PER_MB = 10**6
SECONDS_PER_MINUTE = 60


@dataclass(frozen=True)
class Reception:
    """Where files are looked at."""

    store: ObjectStore
    scratch: Path
    """For what is looked at; private, and empty in between."""
    limits: ChildLimits
    """Of one look; with 0 seconds nothing is looked at."""
    work_limits: ChildLimits
    """Of taking out whose a scan is: it has to be done, however long it takes."""
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    @classmethod
    def from_settings(cls, settings: Settings, store: ObjectStore, scratch: Path) -> "Reception":
        """As the settings say."""
        environment = {"GNATHOS_MAX_UNPACKED_MB": str(settings.max_unpacked_mb), "OMP_NUM_THREADS": "1"}
        memory_bytes = settings.job_memory_mb * BYTES_PER_MB
        look = ChildLimits(memory_bytes, settings.receiving_seconds, environment)
        return cls(store, scratch, look, replace(look, seconds=settings.job_minutes * SECONDS_PER_MINUTE))

    async def check(self, object_key: str, extension: str, key: str) -> None:
        """Look at a file in the store; one that takes longer than it may is let through, its job will tell.

        Args:
            object_key: where it is.
            extension: what its sender says it is.
            key: which input it is to be.

        Raises:
            InputRefused: it is not what was said, or cannot be read.
        """
        if not self.limits.seconds:
            return
        said: list[bytes] = []
        async with self.places:
            with self._opened() as folder:
                path = await asyncio.to_thread(self._path_of, object_key, folder)
                end = await run_child([*CHECK, str(path), extension, key], folder, self.limits, said.append)
        if end.in_time:
            _judge(end, said)
        else:
            logger.warning("a file was not looked at within %g s", self.limits.seconds)

    async def deidentify(self, object_key: str, new_key: str, key: str) -> StoredObject | None:
        """Store the file of an input without whose it is; None where it is none that says so.

        Raises:
            InputRefused: it could not be done.
        """
        if key != SCAN_KEY:
            return None
        said: list[bytes] = []
        async with self.places:
            with self._opened() as folder:
                path, target = await asyncio.to_thread(self._path_of, object_key, folder), folder / "deidentified"
                command = [*DEIDENTIFY, str(path), str(target)]
                end = await run_child(command, folder, self.work_limits, said.append)
                _judge(end, said)
                return await asyncio.to_thread(self.store.keep, target, new_key) if target.exists() else None

    @contextmanager
    def _opened(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self.scratch, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def _path_of(self, object_key: str, folder: Path) -> Path:
        path = self.store.local_path(object_key)
        if path is None:
            path = folder / "file"
            self.store.fetch(object_key, path)
        return path


def _judge(end: ChildEnd, said: list[bytes]) -> None:
    with contextlib.suppress(ValueError, KeyError, IndexError, TypeError):
        if end.return_code == REFUSED:
            error = json.loads(said[-1])["error"]
            raise InputRefused({name: str(error[name]) for name in ("code", "detail", "remedy")})
    if end.crash():
        logger.warning("a look at a file crashed: %s %s", end.crash(), end.error_tail[-500:])
        raise InputRefused(ScanError(f"The file could not be looked at. {end.crash()}").as_reason())
