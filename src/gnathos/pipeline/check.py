"""The receiving check: is a file what its sender says? In seconds, before any work is done.

`python -m gnathos.pipeline.check FILE EXTENSION [KEY]` in a process of its own, for what a stranger sent: prints one
line of JSON, `{"ok": true}` or `{"ok": false, "error": {code, detail, remedy}}`, and exits with 0 or 4.
"""

import json
import os
import sys
from pathlib import Path

from gnathos.anatomy import INPUT_EXTENSIONS, input_extension
from gnathos.dicom import check_dicom
from gnathos.errors import FormatNotRecognised, GnathosError, ScanIsEmpty
from gnathos.imaging.formats import VOLUME_EXTENSIONS, read_volume_file
from gnathos.imaging.limits import Limits
from gnathos.imaging.streams import unpacked
from gnathos.pipeline.content import kind_of
from gnathos.surfaces import read_surface

UNREADABLE = 4
"""Exit code: the file is refused; the command line's code for an unreadable scan."""

BYTES_PER_MB = 10**6
_DICOM_OR_ZIP = frozenset({"DICOM", "a zip archive"})
_SURFACES = frozenset({"a PLY mesh", "an STL mesh", "a zip archive"})
_EXPECTED = {
    ".nii": frozenset({"NIfTI"}),
    ".nrrd": frozenset({"NRRD"}),
    ".vti": frozenset({"a VTK file"}),
    ".mha": frozenset({"MetaImage"}),
}
"""What content each extension of a volume may have; for the others see `_expected`."""


def check_input(path: Path, extension: str, key: str = "cbct", limits: Limits | None = None) -> None:
    """Look at a file as far as that takes seconds: DICOM by its headers, volumes and meshes by reading them.

    Args:
        path: its own name means nothing.
        extension: what its sender says it is.
        key: which input it is to be.
        limits: caps; the defaults where None.

    Raises:
        UnknownExtension: inputs of that key are not read from such files.
        ScanError: the file is not what was said, or cannot be read; says what it is instead, or why.
    """
    limits = limits or Limits()
    kind = input_extension(key, extension)
    if path.stat().st_size == 0:
        raise ScanIsEmpty
    _check_kind(path, kind, key)
    if key != "cbct":
        read_surface(path, kind, limits)
    elif kind.removesuffix(".gz") in VOLUME_EXTENSIONS:
        read_volume_file(path, kind, limits)
    else:
        with unpacked(path, limits) as plain:
            check_dicom(plain, limits)


def _check_kind(path: Path, extension: str, key: str) -> None:
    """Refuse content that clearly is something else; DICOM and zips of it may stand for one another."""
    content = kind_of(path)
    if content is None or content in _expected(extension, key):
        return
    choices = ", ".join(INPUT_EXTENSIONS[key])
    raise FormatNotRecognised(
        f"The file was announced as {extension}, but it is {content}.",
        remedy=f"Name the file's real format in `extension`; for `{key}` one of {choices}, each also with .gz.",
    )


def _expected(extension: str, key: str) -> frozenset[str]:
    if key != "cbct":
        return _SURFACES
    return _EXPECTED.get(extension.removesuffix(".gz"), _DICOM_OR_ZIP)


def main() -> None:
    """Check one file."""
    path, extension, *rest = sys.argv[1:]
    key = rest[0] if rest else "cbct"
    unpacked_mb = int(os.environ.get("GNATHOS_MAX_UNPACKED_MB", "8192"))
    try:
        check_input(Path(path), extension, key, Limits(max_unpacked_bytes=unpacked_mb * BYTES_PER_MB))
    except GnathosError as error:
        print(json.dumps({"ok": False, "error": error.as_reason()}))  # noqa: T201  whoever started us reads it
        sys.exit(UNREADABLE)
    print(json.dumps({"ok": True}))  # noqa: T201  the same


if __name__ == "__main__":
    main()
