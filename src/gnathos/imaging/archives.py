"""Zip archives from outside, checked before anything is unpacked; never unpacked to disk by the names in them."""

import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from gnathos.errors import ArchiveRefused, ScanIsEmpty, ScanIsTruncated
from gnathos.imaging.limits import Limits

ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
"""First bytes of an archive, and of an empty one."""
_ENCRYPTED = 0x1


@contextmanager
def open_archive(path: Path, limits: Limits) -> Iterator[tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]]:
    """Open a zip; its files that are not empty.

    Raises:
        ArchiveRefused: it is hostile or encrypted.
        ScanIsTruncated: it is damaged.
        ScanIsEmpty: it holds no files.
        ScanTooLarge: it would unpack to more than the limits accept.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ScanIsTruncated("The zip archive is damaged or ends early.") from error
    with archive:
        yield archive, _checked_entries(archive, path.stat().st_size, limits)


def _checked_entries(archive: zipfile.ZipFile, packed_bytes: int, limits: Limits) -> list[zipfile.ZipInfo]:
    entries = archive.infolist()
    if len(entries) > limits.max_files:
        raise ArchiveRefused(f"The archive holds {len(entries)} entries; at most {limits.max_files} are accepted.")
    for entry in entries:
        _check_entry(entry)
    unpacked_bytes = sum(entry.file_size for entry in entries)
    if limits.is_bomb(packed_bytes, unpacked_bytes):
        raise ArchiveRefused(f"The archive would unpack to more than {limits.max_unpacking_ratio} times its size.")
    limits.check_unpacked(unpacked_bytes)
    wanted = [entry for entry in entries if not entry.is_dir() and entry.file_size > 0]
    if not wanted:
        raise ScanIsEmpty("The archive holds no files.")
    return wanted


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    parts = PurePosixPath(name).parts + PureWindowsPath(name).parts
    if name.startswith(("/", "\\")) or PureWindowsPath(name).drive or ".." in parts:
        raise ArchiveRefused("An entry of the archive points outside of it.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise ArchiveRefused("The archive holds a symbolic link.")
    if entry.flag_bits & _ENCRYPTED:
        raise ArchiveRefused("The archive is encrypted.", remedy="Send a zip without a password.")
