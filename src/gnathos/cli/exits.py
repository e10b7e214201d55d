"""Exit codes, and errors as a person at a terminal reads them."""

import enum
import sys

from gnathos import errors


class Exit(enum.IntEnum):
    """What the exit code says; `README.md` lists them."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    NOTHING_FOUND = 3
    SCAN_UNREADABLE = 4
    ENGINE = 5
    """The engine cannot be started or reached, or it refused."""


EXITS: tuple[tuple[type[errors.GnathosError], Exit], ...] = (
    (errors.NothingFound, Exit.NOTHING_FOUND),
    (errors.ScanError, Exit.SCAN_UNREADABLE),
    (errors.UnknownStructure, Exit.USAGE),
    (errors.UnknownExtension, Exit.USAGE),
    (errors.InvalidOption, Exit.USAGE),
    (errors.UnknownConvention, Exit.USAGE),
    (errors.LabelsDoNotFit, Exit.USAGE),
    (errors.InvalidSetting, Exit.USAGE),
    (errors.EngineNotReachable, Exit.ENGINE),
    (errors.EngineRefused, Exit.ENGINE),
    (errors.FolderInUse, Exit.ENGINE),
    (errors.AddressInUse, Exit.ENGINE),
    (errors.EmbeddedPostgresFailed, Exit.ENGINE),
    (errors.DatabaseUnavailable, Exit.ENGINE),
    (errors.GnathosError, Exit.UNEXPECTED),
)
"""The first that fits."""


def exit_for(error: errors.GnathosError) -> Exit:
    """The exit code of an error."""
    return next(code for kind, code in EXITS if isinstance(error, kind))


def tell(error: errors.GnathosError) -> None:
    """Print what is wrong and what to do, a line each."""
    print(error.detail, file=sys.stderr)
    print(error.advice, file=sys.stderr)
