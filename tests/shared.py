"""Real scans beside the repository, which are not part of it."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("GNATHOS_SHARED", Path(__file__).parents[2] / "shared"))


def shared_path(name: str) -> Path:
    """A file or folder of the shared material; skips the test where there is none."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not on this machine (GNATHOS_SHARED names the folder)")
    return path
