"""A process's private folder for what children work on; what a dead process left is deleted."""

import contextlib
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """A folder for one process; those of processes that are no more are deleted first."""
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for lock_path in parent.glob("*.lock"):
        _delete_if_left(lock_path)
    lock_path = parent / f"{uuid.uuid4().hex}.lock"
    with lock_path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # held while the process lives, whatever ends it
        folder = lock_path.with_suffix("")
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            lock_path.unlink(missing_ok=True)


def _delete_if_left(lock_path: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(lock_path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock_path.with_suffix(""), ignore_errors=True)
            lock_path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)
