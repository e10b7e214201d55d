"""A scan as the one file that is uploaded."""

import shutil
import zipfile
from pathlib import Path

from gnathos.errors import ScanIsEmpty

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can tell: the same slices give the same bytes."""
SCAN_EXTENSIONS = {".dcm", ".zip", ".nii", ".nrrd", ".vti", ".mha"}
"""Of a `cbct`; the tests compare them with what the engine takes."""
COMPRESSED = ".gz"


def zip_folder(folder: Path, path: Path) -> None:
    """Write every file of a folder, in the order of their names, to a zip without their dates.

    Raises:
        ScanIsEmpty: there are none.
    """
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    if not files:
        raise ScanIsEmpty("The folder holds no files.", remedy="Name the folder that holds the slices.")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.file_size = file.stat().st_size
            with file.open("rb") as source, archive.open(entry, "w") as target:
                shutil.copyfileobj(source, target, 1 << 20)


def extension_of(path: Path) -> str:
    """The extension to name in the job: `.dcm` where the file's name has none that we know, as on a CD."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compressed = suffixes.pop() if suffixes[-1:] == [COMPRESSED] else ""
    return (suffixes[-1] if suffixes and suffixes[-1] in SCAN_EXTENSIONS else ".dcm") + compressed
