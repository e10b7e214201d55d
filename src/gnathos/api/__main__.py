"""The API as a process: `python -m gnathos.api`; settings from the environment."""

import contextlib
import ctypes
import os
import resource
import socket
import sys
from pathlib import Path

import uvicorn

from gnathos.api.app import create_app
from gnathos.logs import write_logs
from gnathos.settings import Settings
from gnathos.traces import traces

KEEP_ALIVE_S = 75
"""Longer than the usual 60 s of a proxy in front, so that it never sends into a connection that we close."""

SHUTDOWN_S = 5
"""How long requests under way may take to end when the API stops."""

BACKLOG = 512
"""Connections that may wait to be accepted."""

PRIVATE_UMASK = 0o077
"""Scans are for this user alone."""


M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8
"""Names of glibc's mallopt."""

OWN_MAPPING_BYTES = 1024 * 1024
"""From this size on, what is freed goes back to the system at once: the parts of uploads do."""

MOST_ARENAS = 2
"""Heaps that threads share; glibc would give sixteen to two cores, and keep what was once in each."""


class AnnouncedServer(uvicorn.Server):
    """Says where it listens once it does."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket) -> None:
        super().__init__(config)
        self._listener = listener

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = self._listener.getsockname()[:2]
        port_file = os.environ.get("GNATHOS_PORT_FILE")
        if port_file:
            part = Path(f"{port_file}.part")
            part.write_text(str(port))
            part.replace(port_file)
        sys.stdout.write(f"The API listens on http://{host}:{port} (documentation: /docs)\n")
        sys.stdout.flush()


def main() -> None:
    """Serve until told to stop."""
    os.umask(PRIVATE_UMASK)
    _give_memory_back()
    _allow_many_connections()
    settings = Settings.from_environment()
    write_logs(settings.log_level)
    traces.start("api")
    listener = listen(settings.host, settings.port)
    config = uvicorn.Config(
        create_app(settings, os.environ.get("GNATHOS_LOCAL_CLIENT", "")),
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    AnnouncedServer(config, listener).run(sockets=[listener])


def _give_memory_back() -> None:
    with contextlib.suppress(OSError, AttributeError):  # only glibc has it
        allocator = ctypes.CDLL(None)
        allocator.mallopt(M_MMAP_THRESHOLD, OWN_MAPPING_BYTES)
        allocator.mallopt(M_ARENA_MAX, MOST_ARENAS)


def _allow_many_connections() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def listen(host: str, port: int) -> socket.socket:
    """A socket that accepts connections; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY on what is accepted; without it every answer waits 40 ms for
    # the client's acknowledgement of its header.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(BACKLOG)
    return listener


if __name__ == "__main__":
    main()
