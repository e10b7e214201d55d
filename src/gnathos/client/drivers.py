"""Carrying out the steps of conversations over HTTP: one driver that blocks, one for asyncio."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar

import httpx2

from gnathos.client.conversation import Answer, ConnectionLost, Conversation, Pause, Request, Step, Work
from gnathos.client.jobs import OnBytes
from gnathos.errors import EngineNotReachable

TIMEOUT = httpx2.Timeout(connect=10, read=90, write=60, pool=60)
"""Reads wait longer than an engine may hold an answer back."""
CHUNK_BYTES = 1 << 20

T = TypeVar("T")


@dataclass(frozen=True)
class _End(Generic[T]):
    """What a conversation returned."""

    value: T


def run_blocking(conversation: Conversation[T], http: httpx2.Client) -> T:
    """Hold a conversation to its end; what it returns."""
    with contextlib.closing(conversation):
        step = _next(conversation, None)
        while not isinstance(step, _End):
            step = _next(conversation, _outcome_blocking(step, http))
        return step.value


async def run_async(conversation: Conversation[T], http: httpx2.AsyncClient) -> T:
    """The same without blocking the event loop."""
    with contextlib.closing(conversation):
        step = _next(conversation, None)
        while not isinstance(step, _End):
            step = _next(conversation, await _outcome_async(step, http))
        return step.value


def _next(conversation: Conversation[T], outcome: Answer | ConnectionLost | None) -> Step | _End[T]:
    try:
        return conversation.throw(outcome) if isinstance(outcome, ConnectionLost) else conversation.send(outcome)
    except StopIteration as end:
        return _End(end.value)


def _outcome_blocking(step: Step, http: httpx2.Client) -> Answer | ConnectionLost | None:
    if isinstance(step, Pause):
        time.sleep(step.seconds)
    elif isinstance(step, Work):
        step.do()
    else:
        try:
            return _answer_blocking(step, http)
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            return _lost(error)
    return None


async def _outcome_async(step: Step, http: httpx2.AsyncClient) -> Answer | ConnectionLost | None:
    if isinstance(step, Pause):
        await asyncio.sleep(step.seconds)
    elif isinstance(step, Work):
        await asyncio.to_thread(step.do)
    else:
        try:
            return await _answer_async(step, http)
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            return _lost(error)
    return None


def _answer_blocking(request: Request, http: httpx2.Client) -> Answer:
    with contextlib.ExitStack() as stack:
        given = _given(request)
        if request.source is not None:
            source = stack.enter_context(request.source.open("rb"))
            source.seek(request.source_offset)
            given["content"] = _counted(source, request.progress)
        answer = stack.enter_context(http.stream(request.method, request.url, **given))
        if request.target is None or answer.is_error:
            return _heard(answer, answer.read())
        with _Sink(request.target, answer, request.progress) as sink:
            for piece in answer.iter_bytes(CHUNK_BYTES):
                sink.write(piece)
        return _heard(answer, b"")


async def _answer_async(request: Request, http: httpx2.AsyncClient) -> Answer:
    async with contextlib.AsyncExitStack() as stack:
        given = _given(request)
        if request.source is not None:
            source = stack.enter_context(request.source.open("rb"))
            source.seek(request.source_offset)
            given["content"] = _counted_async(source, request.progress)
        answer = await stack.enter_async_context(http.stream(request.method, request.url, **given))
        if request.target is None or answer.is_error:
            return _heard(answer, await answer.aread())
        with _Sink(request.target, answer, request.progress) as sink:
            async for piece in answer.aiter_bytes(CHUNK_BYTES):
                await asyncio.to_thread(sink.write, piece)
        return _heard(answer, b"")


def _given(request: Request) -> dict[str, Any]:
    given: dict[str, Any] = {"headers": dict(request.headers)}
    if request.params:
        given["params"] = dict(request.params)
    if request.json is not None:
        given["json"] = request.json
    if request.source is not None:
        given["headers"]["Content-Length"] = str(request.source.stat().st_size - request.source_offset)
    return given


def _heard(answer: httpx2.Response, content: bytes) -> Answer:
    return Answer(answer.status_code, answer.reason_phrase, {k.lower(): v for k, v in answer.headers.items()}, content)


def _lost(error: Exception) -> ConnectionLost:
    """What to tell the conversation; a URL that no engine can have is not asked again.

    Raises:
        EngineNotReachable: it is one.
    """
    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
        raise EngineNotReachable("The engine's URL is none: it begins with http:// or https://.") from error
    return ConnectionLost(str(error) or type(error).__name__)


def _counted(file: BinaryIO, progress: OnBytes | None) -> Iterator[bytes]:
    size = os.fstat(file.fileno()).st_size
    while piece := file.read(CHUNK_BYTES):
        yield piece
        if progress is not None:
            progress(file.tell() / size)


async def _counted_async(file: BinaryIO, progress: OnBytes | None) -> AsyncIterator[bytes]:
    size = os.fstat(file.fileno()).st_size
    while piece := await asyncio.to_thread(file.read, CHUNK_BYTES):
        yield piece
        if progress is not None:
            progress(file.tell() / size)


class _Sink:
    """The file that an answer's body goes to."""

    def __init__(self, path: Path, answer: httpx2.Response, progress: OnBytes | None) -> None:
        self._file = path.open("wb")
        self._size = int(answer.headers.get("Content-Length", 0))
        self._progress = progress

    def __enter__(self) -> "_Sink":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, piece: bytes) -> None:
        """Write, and tell how much of it there is."""
        self._file.write(piece)
        if self._progress is not None and self._size:
            self._progress(min(self._file.tell() / self._size, 1.0))
