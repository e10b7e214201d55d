"""A scan from any supported file or folder."""

from dataclasses import dataclass
from pathlib import Path

from gnathos.dicom import SourceSeries, read_dicom_series
from gnathos.errors import ScanIsEmpty
from gnathos.imaging import Volume
from gnathos.imaging.formats import VOLUME_EXTENSIONS, read_volume_file
from gnathos.imaging.limits import Limits
from gnathos.imaging.streams import unpacked


@dataclass(frozen=True)
class Scan:
    """A volume and where it is from."""

    volume: Volume
    source: SourceSeries | None = None
    """Its DICOM series; None where it was no DICOM."""


def read_scan(path: Path, extension: str, limits: Limits) -> Scan:
    """Read a scan.

    Args:
        path: a file, or a folder of DICOM slices.
        extension: what the file is, as `.nii.gz`; empty: told from its name.
        limits: caps on what it may unpack to.

    Raises:
        ScanError: it cannot be read; says why.
    """
    if path.is_file() and path.stat().st_size == 0:
        raise ScanIsEmpty
    kind = extension or extension_of(path)
    if not path.is_dir() and kind.removesuffix(".gz") in VOLUME_EXTENSIONS:
        return Scan(read_volume_file(path, kind, limits))
    with unpacked(path, limits) as plain:
        return Scan(*read_dicom_series(plain, limits))


def extension_of(path: Path) -> str:
    """The extension that says what a file is, lower-case, with `.gz` kept: `.nii.gz`."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return "".join(suffixes[-2:]) if suffixes[-1:] == [".gz"] else "".join(suffixes[-1:])
