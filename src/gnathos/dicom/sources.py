"""Where DICOM bytes come from: one file, a folder of any depth, or a zip that is never unpacked to disk."""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from gnathos.errors import ArchiveRefused, FormatNotRecognised, ScanIsEmpty
from gnathos.imaging.archives import ZIP_MAGICS, open_archive
from gnathos.imaging.limits import Limits

_BUFFER_BYTES = 1 << 18


@dataclass(frozen=True)
class Source:
    """Bytes of one file that may be DICOM."""

    name: str
    """Its place in the folder or archive; for the order of listing only, never shown."""
    size_bytes: int
    """Size once decompressed."""
    open: Callable[[], BinaryIO]


@contextmanager
def sources_in(path: Path, limits: Limits) -> Iterator[list[Source]]:
    """All files below a path: itself, a folder's, or a zip's members.

    Raises:
        ScanIsEmpty: there are none, or the file has no bytes.
        ArchiveRefused: the zip is hostile, encrypted or damaged.
        ScanTooLarge: more content than the limits accept.
    """
    if path.is_dir():
        yield _files_in_folder(path, limits)
        return
    with path.open("rb") as stream:
        magic = stream.read(4)
    if not magic:
        raise ScanIsEmpty
    if magic in ZIP_MAGICS:
        with open_archive(path, limits) as (archive, entries):
            yield [_member_source(archive, entry) for entry in entries]
        return
    yield [_file_source(path)]


def _file_source(path: Path) -> Source:
    return Source(path.name, path.stat().st_size, lambda: path.open("rb", buffering=_BUFFER_BYTES))


def _files_in_folder(folder: Path, limits: Limits) -> list[Source]:
    files: list[Source] = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.stat().st_size == 0:
            continue
        files.append(_file_source(path))
        if len(files) > limits.max_files:
            raise ArchiveRefused(f"The folder holds more than {limits.max_files} files.")
    if not files:
        raise ScanIsEmpty("The folder holds no files.")
    limits.check_unpacked(sum(source.size_bytes for source in files))
    return files


def _member_source(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Source:
    def open_member() -> BinaryIO:
        try:
            return cast("BinaryIO", BufferedReader(archive.open(entry), _BUFFER_BYTES))
        except (zipfile.BadZipFile, NotImplementedError) as error:
            raise ArchiveRefused("The archive is damaged or packed in an unusual way.") from error

    return Source(entry.filename, entry.file_size, open_member)


def is_nested_archive(head: bytes) -> bool:
    """Whether a file's first bytes are those of an archive; those inside an archive are never opened."""
    return head.startswith((ZIP_MAGICS[0], b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!"))


def refuse_unreadable(sources: list[Source]) -> None:
    """Say why none of the sources is DICOM.

    Raises:
        ArchiveRefused: they are nested archives.
        FormatNotRecognised: otherwise.
    """
    heads = []
    for source in sources[:100]:
        with source.open() as stream:
            heads.append(stream.read(4))
    if len(sources) > 1 and all(map(is_nested_archive, heads)):
        raise ArchiveRefused("The archive holds other archives instead of DICOM files.")
    what = "The file is not DICOM." if len(sources) == 1 else f"None of the {len(sources)} files is DICOM."
    raise FormatNotRecognised(what)
