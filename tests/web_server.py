"""A small real web server for tests: files with Range, broken connections, redirects, and a memory of what came."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


@dataclass
class WebServer:
    """What it serves may be changed while it runs."""

    host: str = "127.0.0.1"
    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[Seen] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    """Answered to the next requests, one each, instead of what was asked for."""
    drop_after: list[int] = field(default_factory=list)
    """After so many bytes the next answers break off, one each."""
    gate: threading.Event = field(default_factory=threading.Event)
    """While it is not set, the files of `held` paths are neither given nor taken."""
    held: tuple[str, ...] = ()
    has_ranges: bool = True
    put_status: int = 201

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    web: WebServer

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._note(b"")
        parts = urlsplit(self.path)
        self._wait_for_gate()
        if self.web.statuses:
            self._answer(self.web.statuses.pop(0))
        elif parts.path == "/redirect":
            self._answer(302, {"Location": parse_qs(parts.query)["to"][0]})
        elif parts.path == "/loop":
            self._answer(307, {"Location": "/loop"})
        elif parts.path == "/echo":
            self._answer(200)
        elif parts.path in self.web.files:
            self._send_file(self.web.files[parts.path])
        else:
            self._answer(404)

    def do_PUT(self) -> None:
        self._note(self._body())
        self._wait_for_gate()
        self._answer(self.web.statuses.pop(0) if self.web.statuses else self.web.put_status)

    def do_POST(self) -> None:
        self._note(self._body())
        self._answer(self.web.statuses.pop(0) if self.web.statuses else 204)

    def _wait_for_gate(self) -> None:
        if self.path in self.web.held:
            self.web.gate.wait(50)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _note(self, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.web.requests.append(Seen(self.command, self.path, headers, body))

    def _answer(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def _send_file(self, content: bytes) -> None:
        etag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
        wanted = self.headers.get("Range", "") if self.web.has_ranges else ""
        start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else 0
        if wanted and self.headers.get("If-Range") not in {None, etag}:
            start, wanted = 0, ""
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        part = content[start:]
        if self.web.drop_after:
            part = part[: self.web.drop_after.pop(0)]
            self.close_connection = True
        self.wfile.write(part)


@contextmanager
def running_web_server(host: str = "127.0.0.1") -> Iterator[WebServer]:
    web = WebServer(host)
    server = ThreadingHTTPServer((host, 0), type("BoundHandler", (Handler,), {"web": web}))
    server.daemon_threads = True
    server.block_on_close = False
    web.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
