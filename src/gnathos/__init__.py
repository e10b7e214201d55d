"""Gnathos: an open, self-hosted engine for dental imaging."""

import os
from importlib.metadata import PackageNotFoundError, version

# ONNX Runtime's own builds send usage data to their maker, from the moment that they are loaded; this package is loaded
# before.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

try:
    __version__ = version("gnathos")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0"
