"""Bytes of a volume file, plain or gzipped, never more of them than the header has promised."""

import gzip
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

import numpy as np
import numpy.typing as npt
from isal import igzip, igzip_lib

from gnathos.errors import GeometryError, ScanIsEmpty, ScanIsTruncated, ScanTooLarge
from gnathos.imaging.limits import Limits
from gnathos.imaging.volume import Affine

_GZIP_MAGIC = b"\x1f\x8b"
_BLOCK_BYTES = 1 << 22

_INFLATE_ERROR: Any = igzip_lib.error

SHEAR_TOLERANCE = 1e-3
"""How far the cosine between two index axes may be from zero before the grid counts as sheared."""


class Fillable(Protocol):
    """Something that fills a buffer, at once or in part."""

    def readinto(self, target: memoryview, /) -> int | None:
        """How many bytes were filled; 0 at the end."""
        ...


@contextmanager
def open_content(path: Path) -> Iterator[BufferedReader]:
    """Open a file, through gzip where its first bytes say so.

    Raises:
        ScanIsEmpty: it has no bytes.
        ScanIsTruncated: the gzip stream turns out to be damaged while it is read.
    """
    with path.open("rb") as plain:
        magic = plain.read(2)
        if not magic:
            raise ScanIsEmpty
        plain.seek(0)
        try:
            yield gunzip(plain) if magic == _GZIP_MAGIC else plain
        except (EOFError, zlib.error, _INFLATE_ERROR, gzip.BadGzipFile) as error:
            raise ScanIsTruncated("The compressed content is damaged or ends early.") from error


@contextmanager
def unpacked(path: Path, limits: Limits) -> Iterator[Path]:
    """The file itself, or where it is gzipped (its first bytes say so) its content in a temporary file.

    Raises:
        ScanTooLarge: its content is over the limits, or far larger than the file.
        ScanIsTruncated: it is damaged.
    """
    if path.is_dir() or not _is_gzipped(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="gnathos-unpacked-") as folder:
        plain = Path(folder) / "content"
        with open_content(path) as stream, plain.open("wb") as target:
            _copy(stream, target, path.stat().st_size, limits)
        yield plain


def _is_gzipped(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == _GZIP_MAGIC


def _copy(stream: BinaryIO, target: BinaryIO, packed_bytes: int, limits: Limits) -> None:
    size_bytes = 0
    while block := stream.read(_BLOCK_BYTES):
        size_bytes += len(block)
        limits.check_unpacked(size_bytes)
        if limits.is_bomb(packed_bytes, size_bytes):
            raise ScanTooLarge(f"The file would unpack to more than {limits.max_unpacking_ratio} times its size.")
        target.write(block)


def gunzip(packed: BinaryIO) -> BufferedReader:
    """The content of a gzip stream, from where it stands."""
    return cast("BufferedReader", igzip.open(packed))  # type: ignore[no-untyped-call]


class InflatedStream:
    """The content of a zlib stream, as far as it is asked for."""

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self._engine = zlib.decompressobj()
        self._rest = b""

    def readinto(self, target: memoryview, /) -> int:
        """Fill as much of `target` as the stream still holds, at once or in part; 0 at its end."""
        while not self._engine.eof:
            block = self._rest or self._packed.read(_BLOCK_BYTES)
            content = self._engine.decompress(block, len(target))
            self._rest = self._engine.unconsumed_tail
            if content:
                target[: len(content)] = content
                return len(content)
            if not block:
                break
        return 0


def read_exactly(stream: BinaryIO, size_bytes: int) -> bytes:
    """Read that many bytes.

    Raises:
        ScanIsTruncated: there are fewer.
    """
    content = stream.read(size_bytes)
    if len(content) < size_bytes:
        raise ScanIsTruncated
    return content


def read_voxels(
    stream: Fillable, shape: tuple[int, int, int], dtype: np.dtype[Any], limits: Limits
) -> npt.NDArray[Any]:
    """Read a grid of `shape` (slices, rows, columns) from where the stream stands, in this machine's byte order.

    Raises:
        ScanTooLarge: the shape is over the limits; nothing was allocated.
        ScanIsTruncated: the stream ends before.
    """
    limits.check_voxels(*shape)
    limits.check_unpacked(int(np.prod(shape, dtype=object)) * dtype.itemsize)
    voxels = np.empty(shape, dtype)
    target = voxels.reshape(-1).view(np.uint8).data
    filled = 0
    while filled < len(target):
        count = stream.readinto(target[filled : filled + _BLOCK_BYTES])
        if not count:
            raise ScanIsTruncated
        filled += count
    return voxels if dtype.isnative else voxels.byteswap(inplace=True).view(dtype.newbyteorder("="))


def gray_values(voxels: npt.NDArray[Any], slope: float = 1.0, intercept: float = 0.0) -> npt.NDArray[Any]:
    """Values as volumes hold them: int16 or uint16 where they are whole and fit, else float32; not finite ones zero."""
    is_plain = slope == 1 and intercept == 0
    if is_plain and voxels.dtype in (np.int16, np.uint16):
        return voxels
    if is_plain and voxels.dtype in (np.int8, np.uint8):
        return voxels.astype(np.int16)
    values = voxels.astype(np.float32)
    if not is_plain:
        values *= np.float32(slope)
        values += np.float32(intercept)
    finite = np.isfinite(values)
    if not finite.all():
        values[~finite] = 0
    return values


def affine_from_axes(axes_lps_mm: npt.NDArray[np.float64], origin_lps_mm: npt.NDArray[np.float64]) -> Affine:
    """Check a grid and build its affine.

    Args:
        axes_lps_mm: (3, 3); columns are the steps to the next slice, row, column.
        origin_lps_mm: (3,) centre of the first voxel.

    Raises:
        GeometryError: a number is not finite, a step has no length, or the axes are not at right angles.
    """
    if not (np.isfinite(axes_lps_mm).all() and np.isfinite(origin_lps_mm).all()):
        raise GeometryError("The volume's position or orientation is not a usable number.")
    spacing_mm = np.linalg.norm(axes_lps_mm, axis=0)
    if spacing_mm.min() <= 1e-6:
        raise GeometryError("The volume's voxels have no size.")
    directions = axes_lps_mm / spacing_mm
    if np.abs(directions.T @ directions - np.eye(3)).max() > SHEAR_TOLERANCE:
        raise GeometryError("The volume's grid is sheared; only axes at right angles are read.")
    affine = np.eye(4)
    affine[:3, :3] = axes_lps_mm
    affine[:3, 3] = origin_lps_mm
    return affine
