"""The processes under one, as /proc tells them."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")


def command_of(pid: int) -> str:
    """The command line; empty for one that has ended."""
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def children_of(pid: int) -> list[int]:
    """Those that it started and that still run."""
    return [each for each, parent in parents().items() if parent == pid and command_of(each)]


def parents() -> dict[int, int]:
    """Every process and the one that it belongs to."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # ended meanwhile
            after_name = stat.read_text().rpartition(")")[2].split()
            found[int(stat.parent.name)] = int(after_name[1])
    return found


def descendants_of(pid: int) -> list[int]:
    """Those under it at any depth."""
    children = children_of(pid)
    return children + [each for child in children for each in descendants_of(child)]


def find_under(pid: int, words: str) -> int | None:
    """The first process under it whose command line holds the words."""
    return next((each for each in descendants_of(pid) if words in command_of(each)), None)


def wait_for(find: Callable[[], Found | None], what: str, timeout_s: float = 60) -> Found:
    """What `find` finds, once it does."""
    deadline = time.monotonic() + timeout_s
    while (found := find()) is None:
        assert time.monotonic() < deadline, f"no {what} within {timeout_s} s"
        time.sleep(0.02)
    return found
