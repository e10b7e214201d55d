import sys
from collections.abc import Iterator

import pytest

_heard: list[object] | None = None


def _listen(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and _heard is not None:
        _heard.append(arguments[1])


sys.addaudithook(_listen)


@pytest.fixture
def connections() -> Iterator[list[object]]:
    """The addresses that anything in this process connects to, as the interpreter itself tells them."""
    global _heard  # noqa: PLW0603 - audit hooks stay for ever; this turns ours on and off
    _heard = []
    yield _heard
    _heard = None
