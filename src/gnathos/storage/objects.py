"""One interface to the object store, wherever it is; every transfer is streamed."""

import contextlib
import hashlib
import re
import time
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from gnathos.errors import StoreUnavailable, UnknownFile, UploadTooLarge
from gnathos.storage.digests import Checks, Digest

PART_BYTES = 5 * 1024 * 1024
"""Size of one part of an upload: the least that S3 takes."""

PARTS_IN_FLIGHT = 2
"""Parts of one upload that may be on their way at once: what one upload holds in memory is this many parts and one."""

READ_BYTES = 1024 * 1024
"""Size of the pieces that are read."""

SEND_BYTES = 128 * 1024
"""Size of the pieces that are sent on: each slow reader of a download holds a few of them."""

UNFINISHED = re.compile(r".*#\d+")
"""How the local store calls a file that is still being written."""

UNFINISHED_S = 24 * 3600.0
"""An upload that has not grown for this long is dead."""

PROBE_KEY = ".probe"


@dataclass(frozen=True)
class StoredObject:
    """An object that is whole in the store."""

    key: str
    size_bytes: int
    sha256: str
    """In hexadecimal digits."""


class ObjectStore:
    """Objects by key, in a local folder, S3, Azure Blob Storage or Google Cloud Storage."""

    def __init__(self, store: obstore.store.ObjectStore) -> None:
        self._store = store

    @classmethod
    def open(cls, store_url: str, default_folder: Path) -> "ObjectStore":
        """Open the store at the URL; the folder, which is made if needed, where there is no URL."""
        if store_url and not store_url.startswith("file:"):
            return cls(from_url(store_url))
        folder = Path(store_url.removeprefix("file://")) if store_url else default_folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(LocalStore(folder))

    async def write(
        self, key: str, chunks: AsyncIterator[bytes], limit_bytes: int, expected: Collection[Digest] = ()
    ) -> StoredObject:
        """Store a stream; nothing is seen of it until it is whole, and nothing stays of it if it breaks.

        Raises:
            UploadTooLarge: the stream is longer than the limit.
            DigestMismatch: it is not what was expected.
            StoreUnavailable: the store did not take it.
        """
        measured = _Measured(chunks, limit_bytes, Checks(expected))
        with _store_errors():
            await obstore.put_async(
                self._store, key, measured.chunks(), chunk_size=PART_BYTES, max_concurrency=PARTS_IN_FLIGHT
            )
        return StoredObject(key, measured.size_bytes, measured.digest.hexdigest())

    async def read(self, key: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes of an object from `start` to before `stop`.

        Raises:
            UnknownFile: there is no such object.
        """
        if stop <= start:
            return
        with _store_errors():
            found = await obstore.get_async(self._store, key, options={"range": (start, stop)})
            async for chunk in found.stream(SEND_BYTES):
                yield bytes(chunk)

    def fetch(self, key: str, path: Path) -> None:
        """Write an object to a local file.

        Raises:
            UnknownFile: there is no such object.
        """
        with _store_errors(), path.open("wb") as file:
            for chunk in obstore.get(self._store, key).stream(READ_BYTES):
                file.write(chunk)

    def local_path(self, key: str) -> Path | None:
        """Where an object lies on this machine, only to be read; None where the store is elsewhere.

        Raises:
            UnknownFile: there is no such object.
        """
        if not isinstance(self._store, LocalStore) or self._store.prefix is None:
            return None
        path = Path(self._store.prefix) / key
        if not path.is_file():
            raise UnknownFile
        return path

    def keep(self, path: Path, key: str) -> StoredObject:
        """Store a local file."""
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(READ_BYTES):
                digest.update(chunk)
        with _store_errors():
            obstore.put(self._store, key, path, chunk_size=PART_BYTES, max_concurrency=PARTS_IN_FLIGHT)
        return StoredObject(key, path.stat().st_size, digest.hexdigest())

    def copy(self, key: str, new_key: str) -> None:
        """Copy an object within the store, without moving its bytes through here.

        Raises:
            UnknownFile: there is no such object.
        """
        with _store_errors():
            obstore.copy(self._store, key, new_key)

    def delete(self, key: str) -> None:
        """Delete an object; it need not be there."""
        with _store_errors(), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, key)

    def delete_below(self, prefix: str, keep: Collection[str] = ()) -> None:
        """Delete every object below a prefix, but those with the keys to `keep`."""
        for key in self.keys_below(prefix):
            if key not in keep:
                self.delete(key)

    def sweep(self, older_than_s: float = UNFINISHED_S) -> None:
        """Delete what uploads left in a local folder when the process died; buckets have a rule of their own for it."""
        if not isinstance(self._store, LocalStore) or self._store.prefix is None:
            return
        for path in Path(self._store.prefix).rglob("*#*"):
            with contextlib.suppress(OSError):
                if UNFINISHED.fullmatch(path.name) and time.time() - path.stat().st_mtime > older_than_s:
                    path.unlink()

    def erase_below(self, prefix: str) -> tuple[int, int]:
        """Delete every object below a prefix, and look again that none is left; what was there, in objects and bytes.

        Raises:
            StoreUnavailable: the store does not answer, or still has some.
        """
        with _store_errors():
            found = [each for page in obstore.list(self._store, prefix=prefix) for each in page]
        for each in found:
            self.delete(each["path"])
        if self.keys_below(prefix):
            raise StoreUnavailable("The store still has objects that were deleted.")
        return len(found), sum(each["size"] for each in found)

    def keys_below(self, prefix: str) -> list[str]:
        """The keys of the objects below a prefix, sorted."""
        with _store_errors():
            return sorted(each["path"] for page in obstore.list(self._store, prefix=prefix) for each in page)

    def is_up(self) -> bool:
        """Whether the store takes an object and gives it back."""
        try:
            with _store_errors():
                obstore.put(self._store, PROBE_KEY, b"probe")
                return bytes(obstore.get(self._store, PROBE_KEY).bytes()) == b"probe"
        except (StoreUnavailable, UnknownFile):
            return False


class _Measured:
    """A stream that is measured as it passes."""

    def __init__(self, chunks: AsyncIterator[bytes], limit_bytes: int, checks: Checks) -> None:
        self.size_bytes = 0
        self.digest: Any = hashlib.sha256()
        self._chunks = chunks
        self._limit_bytes = limit_bytes
        self._checks = checks

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self.size_bytes += len(chunk)
            if self.size_bytes > self._limit_bytes:
                raise UploadTooLarge(f"The upload is longer than {self._limit_bytes} bytes.")
            self.digest.update(chunk)
            self._checks.update(chunk)
            yield chunk
        self._checks.verify()


@contextlib.contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise UnknownFile from error
    except (BaseError, OSError) as error:
        raise StoreUnavailable from error
