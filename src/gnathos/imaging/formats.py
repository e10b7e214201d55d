"""Volume files that are not DICOM, by the ending that the sender named."""

from collections.abc import Callable
from pathlib import Path

from gnathos.errors import UnknownExtension
from gnathos.imaging.limits import Limits
from gnathos.imaging.metaimage import read_metaimage
from gnathos.imaging.nifti import read_nifti
from gnathos.imaging.nrrd import read_nrrd
from gnathos.imaging.volume import Volume
from gnathos.imaging.vti import read_vti

_READERS: dict[str, Callable[[Path, Limits], Volume]] = {
    ".nii": read_nifti,
    ".nrrd": read_nrrd,
    ".mha": read_metaimage,
    ".vti": read_vti,
}

VOLUME_EXTENSIONS = tuple(extension + packing for extension in _READERS for packing in ("", ".gz"))
"""Every ending that `read_volume_file` takes."""


def read_volume_file(path: Path, extension: str, limits: Limits | None = None) -> Volume:
    """Read one volume file.

    Args:
        path: its own name and ending mean nothing.
        extension: lower-case, with its dot, as in `VOLUME_EXTENSIONS`.
        limits: caps; the defaults where None.

    Raises:
        UnknownExtension: it is not one of those.
        ScanError: the file cannot be read safely; one of its subclasses says why.
    """
    reader = _READERS.get(extension.removesuffix(".gz"))
    if reader is None:
        raise UnknownExtension(f"Volumes of extension {extension[:20]!r} are not read.")
    return reader(path, limits or Limits())
