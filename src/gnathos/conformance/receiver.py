"""A web server of our own, for the URLs that a job may name: it gives files and remembers what it was sent."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from gnathos.conformance.verdicts import Broken

LOOK_INTERVAL_S = 0.1


@dataclass(frozen=True)
class Received:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


@dataclass
class Receiver:
    """What it gives and what it was sent."""

    url: str
    """Where the server that is looked at reaches it, without a slash at the end."""
    patience_s: float
    """How long what should come is waited for."""
    files: dict[str, bytes] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)

    def wait_for(self, method: str, path: str) -> Received:
        """The first such request.

        Raises:
            Broken: none came in time.
        """
        deadline = time.monotonic() + self.patience_s
        while time.monotonic() < deadline:
            for each in self.received:
                if (each.method, each.path) == (method, path):
                    return each
            time.sleep(LOOK_INTERVAL_S)
        raise Broken(f"no {method} came to {path} within {self.patience_s:g} s")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    receiver: Receiver

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._note()
        content = self.receiver.files.get(urlsplit(self.path).path)
        self._answer(200 if content is not None else 404, content or b"")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self._note()
        self._answer(201)

    def do_POST(self) -> None:
        self._note()
        self._answer(200)

    def _note(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.receiver.received.append(Received(self.command, urlsplit(self.path).path, headers, body))

    def _answer(self, status: int, content: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@contextmanager
def running_receiver(host: str, port: int, patience_s: float, url: str = "") -> Iterator[Receiver]:
    """Listen at the host and port (0: a free one), as `url` to others; empty: as that."""
    server = ThreadingHTTPServer((host, port), _Handler)
    server.daemon_threads = True
    receiver = Receiver(url.rstrip("/") or f"http://{host}:{server.server_port}", patience_s)
    server.RequestHandlerClass = type("Handler", (_Handler,), {"receiver": receiver})
    thread = threading.Thread(target=server.serve_forever, args=(LOOK_INTERVAL_S,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
