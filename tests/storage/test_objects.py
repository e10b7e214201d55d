import hashlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from gnathos.errors import StoreUnavailable, UnknownFile, UploadTooLarge
from gnathos.storage import ObjectStore


@pytest.fixture(params=["folder", "memory"])
def store(request, tmp_path: Path) -> ObjectStore:
    return ObjectStore.open("memory:///" if request.param == "memory" else "", tmp_path / "objects")


async def stream(*chunks: bytes, breaks: bool = False) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if breaks:
        raise ConnectionResetError("gone")


def read(store: ObjectStore, key: str, start: int, stop: int) -> bytes:
    async def collect() -> bytes:
        return b"".join([chunk async for chunk in store.read(key, start, stop)])

    return anyio.run(collect)


def test_what_is_written_is_read(store: ObjectStore) -> None:
    content = bytes(range(256)) * 50_000  # three parts

    written = anyio.run(store.write, "a/b", stream(content[:7], content[7:9_000_000], content[9_000_000:]), 10**9)

    assert (written.size_bytes, written.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert read(store, "a/b", 0, len(content)) == content
    assert read(store, "a/b", 300, 5_300_000) == content[300:5_300_000]
    assert read(store, "a/b", 5, 5) == b""


def test_an_empty_stream_is_an_empty_object(store: ObjectStore) -> None:
    written = anyio.run(store.write, "empty", stream(), 10)

    assert written.size_bytes == 0
    assert store.keys_below("") == ["empty"]


@pytest.mark.parametrize("size", [10, 12_000_000])
def test_nothing_stays_of_a_broken_stream(store: ObjectStore, tmp_path: Path, size: int) -> None:
    with pytest.raises((ConnectionResetError, StoreUnavailable)):
        anyio.run(store.write, "a/broken", stream(bytes(size), breaks=True), 10**9)

    assert store.keys_below("") == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_stream_beyond_the_limit_is_cut_off(store: ObjectStore) -> None:
    with pytest.raises(UploadTooLarge, match="100 bytes"):
        anyio.run(store.write, "a/large", stream(bytes(60), bytes(60)), 100)

    assert store.keys_below("") == []


def test_files_go_in_and_out(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"solid" * 1000)

    kept = store.keep(tmp_path / "in", "meshes/1")
    store.fetch("meshes/1", tmp_path / "out")

    assert (tmp_path / "out").read_bytes() == b"solid" * 1000
    assert kept.sha256 == hashlib.sha256(b"solid" * 1000).hexdigest()


def test_what_is_not_there(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(UnknownFile):
        store.fetch("none", tmp_path / "out")
    with pytest.raises(UnknownFile):
        read(store, "none", 0, 5)
    store.delete("none")


def test_deleting_below_a_prefix_keeps_what_it_is_told(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    for key in ("job/attempts/1/a", "job/attempts/10/b", "job/attempts/2/c", "other/1"):
        store.keep(tmp_path / "file", key)

    store.delete_below("job/attempts", keep={"job/attempts/1/a"})

    assert store.keys_below("") == ["job/attempts/1/a", "other/1"]


def test_what_dead_uploads_left_is_swept(tmp_path: Path) -> None:
    store = ObjectStore.open("", tmp_path)
    for name, age_s in (("old#1", 100_000), ("new#2", 10), ("whole", 100_000), ("c#", 100_000)):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)

    store.sweep()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["c#", "new#2", "whole"]


def test_whether_it_is_up(store: ObjectStore) -> None:
    assert store.is_up()
