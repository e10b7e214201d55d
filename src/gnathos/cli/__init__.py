"""The command line."""

from gnathos.cli.commands import main

__all__ = ["main"]
