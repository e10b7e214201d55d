"""How much of a scan is accepted, checked before anything of that size is allocated."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import BinaryIO

from gnathos.errors import ScanIsEmpty, ScanTooLarge

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Caps on one scan."""

    max_unpacked_bytes: int = 8_192_000_000
    """All bytes of the scan's files once decompressed."""
    max_voxels: int = 1_000_000_000
    """About four times the largest dental field of view at 0.15 mm."""
    max_triangles: int = 20_000_000
    """Of a surface; intra-oral scans have some hundred thousand."""
    max_files: int = 20_000
    """Files in a folder or entries in an archive."""
    max_unpacking_ratio: int = 200
    """How many times larger than itself a compressed file may unpack; real scans stay below 20."""
    always_unpacked_bytes: int = 64_000_000
    """Content up to this size is unpacked whatever the ratio: a small scan of constants harms nobody."""

    def check_voxels(self, *counts: int) -> None:
        """Refuse a declared grid before it is allocated.

        Raises:
            ScanTooLarge: the product of the counts is over the cap, or a count is not positive.
        """
        if min(counts) <= 0:
            raise ScanIsEmpty(f"The scan declares a grid of {' × '.join(map(str, counts))} voxels.")
        if prod(counts) > self.max_voxels:
            raise ScanTooLarge(
                f"The scan declares {' × '.join(map(str, counts))} voxels; at most {self.max_voxels} are accepted."
            )

    def check_unpacked(self, size_bytes: int) -> None:
        """Refuse decompressed content over the cap.

        Raises:
            ScanTooLarge: it is.
        """
        if size_bytes > self.max_unpacked_bytes:
            raise ScanTooLarge(f"The scan is larger than {self.max_unpacked_bytes // 1_000_000} MB once decompressed.")

    def is_bomb(self, packed_bytes: int, unpacked_bytes: int) -> bool:
        """Whether content is so much larger than its compressed form that it can only be meant to harm."""
        largest = max(self.always_unpacked_bytes, packed_bytes * self.max_unpacking_ratio)
        return unpacked_bytes > largest


def read_at_most(stream: BinaryIO, limits: Limits) -> bytearray:
    """All of a stream, decompressed bytes counted as they come.

    Raises:
        ScanTooLarge: it holds more than `limits.max_unpacked_bytes`.
    """
    content = bytearray()
    for block in _blocks(stream):
        content += block
        limits.check_unpacked(len(content))
    return content


def _blocks(stream: BinaryIO) -> Iterable[bytes]:
    while block := stream.read(_BLOCK_BYTES):
        yield block
