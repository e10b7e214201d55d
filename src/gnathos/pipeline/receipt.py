"""What a result was made from and with, so that it can be made again."""

import hashlib
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gnathos import __version__
from gnathos.pipeline.request import Request

LIBRARIES = (
    "dracopy",
    "fast-simplification",
    "manifold3d",
    "numpy",
    "scipy",
    "scikit-image",
    "onnxruntime",
    "pydicom",
    "imagecodecs",
)
"""Those whose version may change what comes out."""


def make_receipt(request: Request, folder: Path, seconds: Mapping[str, float]) -> dict[str, Any]:
    """What is known of a run: engine, libraries, inputs' hashes, options as sent, seconds per stage."""
    return {
        **made_with(),
        "apiVersion": request.version,
        "inputs": [
            {"key": each.key, "extension": each.extension, "sha256": sha256_of(folder / each.path)}
            for each in request.inputs
        ],
        "optionsSent": dict(request.options),
        "seconds": dict(seconds),
    }


def made_with() -> dict[str, Any]:
    """Versions of what may change what comes out."""
    return {
        "engine": __version__,
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def sha256_of(path: Path) -> str:
    """Hash of a file; of a folder, the hash of its files' hashes in order."""
    if path.is_dir():
        parts = sorted(sha256_of(each) for each in path.rglob("*") if each.is_file())
        return hashlib.sha256("".join(parts).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
