"""One engine, as a Python program uses it; blocking, or with asyncio."""

import functools
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx2

from gnathos.client.calls import Calls
from gnathos.client.conversation import Conversation
from gnathos.client.drivers import TIMEOUT, run_async, run_blocking
from gnathos.errors import EngineNotReachable

AUDIENCE = "virtualpatientengine.com"
VERSION = "26.11"

P = ParamSpec("P")
T = TypeVar("T")


class _Client:
    """What both clients are made of."""

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        *,
        version: str = VERSION,
        audience: str = AUDIENCE,
        token_url: str | None = None,
    ) -> None:
        """A client; nothing is sent yet.

        Args:
            url: of the engine, without a version: `https://engine.example`.
            client_id: of the credentials.
            client_secret: of the credentials.
            version: of the API.
            audience: that tokens are asked for.
            token_url: where tokens are had, if not at the engine's own `/oauth/token`.
        """
        grant = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        self._calls = Calls(url, version, token_url, {**grant, "audience": audience})

    @classmethod
    def from_file(cls, credentials: str | Path, **given: Any) -> Self:
        """The client for a credentials file, as `gnathos up` writes it; what is `given` wins over what is in it.

        Raises:
            EngineNotReachable: the file cannot be read.
        """
        try:
            known = json.loads(Path(credentials).read_text())
            wanted = {key: known[key] for key in ("url", "client_id", "client_secret")}
        except (OSError, ValueError, KeyError, TypeError):
            raise EngineNotReachable(
                f"There are no credentials in {credentials}.", remedy="Name the file that `gnathos up` wrote."
            ) from None
        return cls(**{**wanted, "audience": known.get("audience", AUDIENCE), **given})


def _blocking(call: Callable[Concatenate[Calls, P], Conversation[T]]) -> Callable[Concatenate["Engine", P], T]:
    @functools.wraps(call)
    def method(self: "Engine", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return run_blocking(call(self._calls, *args, **kwargs), self._http)

    return method


def _awaitable(
    call: Callable[Concatenate[Calls, P], Conversation[T]],
) -> Callable[Concatenate["AsyncEngine", P], Coroutine[Any, Any, T]]:
    @functools.wraps(call)
    async def method(self: "AsyncEngine", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await run_async(call(self._calls, *args, **kwargs), self._http)

    return method


class Engine(_Client):
    """A client that blocks; a context manager that closes its connections."""

    @functools.cached_property
    def _http(self) -> httpx2.Client:
        return httpx2.Client(timeout=TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    token = _blocking(Calls.token)
    submit = _blocking(Calls.submit)
    upload = _blocking(Calls.upload)
    notify = _blocking(Calls.notify)
    poll = _blocking(Calls.poll)
    wait = _blocking(Calls.wait)
    download = _blocking(Calls.download)
    save = _blocking(Calls.save)
    send = _blocking(Calls.send)
    segment = _blocking(Calls.segment)
    jobs = _blocking(Calls.jobs)
    cancel = _blocking(Calls.cancel)
    delete = _blocking(Calls.delete)


class AsyncEngine(_Client):
    """The same for asyncio; an asynchronous context manager."""

    @functools.cached_property
    def _http(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(timeout=TIMEOUT)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    token = _awaitable(Calls.token)
    submit = _awaitable(Calls.submit)
    upload = _awaitable(Calls.upload)
    notify = _awaitable(Calls.notify)
    poll = _awaitable(Calls.poll)
    wait = _awaitable(Calls.wait)
    download = _awaitable(Calls.download)
    save = _awaitable(Calls.save)
    send = _awaitable(Calls.send)
    segment = _awaitable(Calls.segment)
    jobs = _awaitable(Calls.jobs)
    cancel = _awaitable(Calls.cancel)
    delete = _awaitable(Calls.delete)
