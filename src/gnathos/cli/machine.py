"""What this machine has, as far as it lets this process have it."""

import os
import shutil
from pathlib import Path

CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""What a container may use."""


def memory_gb() -> float:
    """Memory in GB (10^9 bytes): the machine's, or the container's limit."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = int(CGROUP_LIMIT.read_text())
    except (OSError, ValueError):  # no container, or "max"
        limit = machine
    return min(machine, limit) / 1e9


def free_gb(folder: Path) -> float:
    """Space on the disk of a folder, in GB."""
    return shutil.disk_usage(folder).free / 1e9


def nearest_folder(path: Path) -> Path:
    """The folder itself, or the nearest above it that exists."""
    path = path.resolve()
    return path if path.is_dir() else nearest_folder(path.parent)
