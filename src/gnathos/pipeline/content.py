"""What a file is, by its first bytes."""

import gzip
import zlib
from pathlib import Path

_HEAD_BYTES = 600
_MAGICS = (
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "a zip archive"),
    (b"NRRD000", "NRRD"),
    (b"ply\n", "a PLY mesh"),
    (b"ply\r", "a PLY mesh"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"%PDF", "a PDF document"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"glTF", "a glTF mesh"),
    (b"DRACO", "a Draco mesh"),
)
_NIFTI_MAGICS = {(348, 344): (b"n+1\0", b"ni1\0"), (540, 4): (b"n+2\0", b"ni2\0")}
"""By the header's size and the place of the magic."""
_TEXT_MARKS = (
    (b"<html", "a web page"),
    (b"<vtkfile", "a VTK file"),
    (b"objecttype", "MetaImage"),
    (b"ndims", "MetaImage"),
    (b"facet normal", "an STL mesh"),
)


def kind_of(path: Path) -> str | None:
    """What the file, or what is gzipped in it, is; None where the first bytes do not tell."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if head.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(path) as stream:
                head = stream.read(_HEAD_BYTES)
        except (OSError, EOFError, zlib.error):
            return None
    return _kind_of_head(head)


def _kind_of_head(head: bytes) -> str | None:
    if head[128:132] == b"DICM":
        return "DICOM"
    for magic, kind in _MAGICS:
        if head.startswith(magic):
            return kind
    for (size, place), magics in _NIFTI_MAGICS.items():
        sizes = (int.from_bytes(head[:4], "little"), int.from_bytes(head[:4], "big"))
        if size in sizes and head[place : place + 4] in magics:
            return "NIfTI"
    text = head.lower()
    return next((kind for mark, kind in _TEXT_MARKS if mark in text), None)
