"""Exit codes, and errors as a person at a terminal reads them."""

import enum
import json
import os
import sys
import traceback

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
    INTERRUPTED = 130
    """Ctrl-C."""


EXITS: tuple[tuple[type[errors.GnathosError], Exit], ...] = (
    (errors.NothingFound, Exit.NOTHING_FOUND),
    (errors.ScanError, Exit.SCAN_UNREADABLE),
    (errors.UnknownStructure, Exit.USAGE),
    (errors.UnknownExtension, Exit.USAGE),
    (errors.InvalidOption, Exit.USAGE),
    (errors.UnknownConvention, Exit.USAGE),
    (errors.LabelsDoNotFit, Exit.USAGE),
    (errors.InvalidSetting, Exit.USAGE),
    (errors.ReplayRefused, Exit.USAGE),
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


def known_error(error: Exception) -> errors.GnathosError:
    """The error in a sentence: nobody at a terminal should have to read a traceback.

    GNATHOS_LOG_LEVEL=DEBUG prints that, too.
    """
    if isinstance(error, errors.GnathosError):
        return error
    if os.environ.get("GNATHOS_LOG_LEVEL", "").upper() == "DEBUG":
        traceback.print_exception(error)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return errors.GnathosError(f"{place}{error.strerror or error}.", remedy="Check the path, its rights, the disk.")
    sentence = f"This should not have happened: {type(error).__name__}: {error}"
    return errors.GnathosError(sentence, remedy="Report it, with what GNATHOS_LOG_LEVEL=DEBUG prints.")


def tell(error: errors.GnathosError, as_json: bool = False) -> None:
    """Print what is wrong and what to do: a line each on standard error; with `as_json`, also on standard output."""
    print(error.detail, error.advice, sep="\n", file=sys.stderr)
    if as_json:
        print(json.dumps({"error": error.as_reason()}, indent=2))
