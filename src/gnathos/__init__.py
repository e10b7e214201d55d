"""Gnathos: an open, self-hosted engine for dental imaging."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("gnathos")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0"
