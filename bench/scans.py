"""Scans to measure with."""

import sys
from pathlib import Path

from gnathos.phantom import PhantomParameters, make_phantom, write_phantom

CACHE = Path(".cache")
LARGE = PhantomParameters(spacing_mm=0.3, shape=(400, 512, 512))
SMALL = PhantomParameters(spacing_mm=1.2, shape=(110, 133, 133))


def phantom(name: str, parameters: PhantomParameters) -> Path:
    """A scan to measure with, made once."""
    path = CACHE / f"bench-{name}.dcm"
    if not path.exists():
        print(f"making {path}", file=sys.stderr, flush=True)
        CACHE.mkdir(exist_ok=True)
        write_phantom(make_phantom(parameters), path)
    return path
