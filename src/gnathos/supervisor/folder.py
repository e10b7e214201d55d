"""The data folder, held by one engine at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gnathos.errors import FolderInUse

LOCK_FILE = "lock"


@contextmanager
def held(folder: Path) -> Iterator[Path]:
    """Make the folder if there is none, and hold it; the kernel lets go of it when this process ends, however it does.

    Raises:
        FolderInUse: another process holds it.
    """
    folder = folder.resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / LOCK_FILE).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise FolderInUse(f"Another engine (process {lock.read().strip()}) is running on {folder}.") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield folder
