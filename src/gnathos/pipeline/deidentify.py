"""A scan without whose it is: `python -m gnathos.pipeline.deidentify FILE TARGET`, in a process of its own.

What is no DICOM is not written: exits with 0, or with 4 and the error as a line of JSON, as the receiving check does.
"""

import json
import os
import sys
from pathlib import Path

from gnathos.dicom.deidentify import deidentify
from gnathos.errors import GnathosError
from gnathos.imaging.limits import Limits
from gnathos.imaging.streams import unpacked
from gnathos.pipeline.check import BYTES_PER_MB, UNREADABLE
from gnathos.pipeline.content import kind_of

DICOM_KINDS = ("DICOM", "a zip archive")


def main() -> None:
    """Write one file."""
    path, target = map(Path, sys.argv[1:])
    unpacked_mb = int(os.environ.get("GNATHOS_MAX_UNPACKED_MB", "8192"))
    limits = Limits(max_unpacked_bytes=unpacked_mb * BYTES_PER_MB)
    try:
        if kind_of(path) in DICOM_KINDS:
            with unpacked(path, limits) as plain:
                deidentify(plain, target, limits)
    except GnathosError as error:
        print(json.dumps({"ok": False, "error": error.as_reason()}))  # noqa: T201  whoever started us reads it
        sys.exit(UNREADABLE)


if __name__ == "__main__":
    main()
