"""A server that answers what it is told to, for what an engine cannot be made to do on purpose."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer; a status of 0 cuts the connection."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Script:
    """The answers by `METHOD /path`, one after the other, the last one for ever; and the requests that came."""

    answers: dict[str, list[Answer]]
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def next_answer(self, call: str) -> Answer:
        left = self.answers[call]
        return left.pop(0) if len(left) > 1 else left[0]

    def calls(self) -> list[str]:
        return [call for call, _, _ in self.requests]


@contextmanager
def scripted_server(answers: dict[str, list[Answer]]) -> Iterator[tuple[str, Script]]:
    """A running server: its URL, and what happens on it."""
    script = Script(answers)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(script))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler_of(script: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        do_POST = do_PUT = do_PATCH = do_HEAD = do_GET  # noqa: N815 - the base class's names

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            call = f"{self.command} {self.path.partition('?')[0]}"
            script.requests.append((call, dict(self.headers), body))
            answer = script.next_answer(call)
            if answer.status == 0:
                self.close_connection = True
                return
            content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(content)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    return Handler
