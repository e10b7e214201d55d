"""The suite against servers that are no engine: what is wrong is found, and nothing else is claimed."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from threading import Thread
from typing import Any

import pytest
from tests.ports import free_port

from gnathos.conformance.check import Finding, Level, Outcome
from gnathos.conformance.checks import CHECKS
from gnathos.conformance.report import print_table

AGREEABLE = {"access_token": "x", "expires_in": 86400, "token_type": "Bearer", "jobId": "1", "success": True}


class Agreeable(BaseHTTPRequestHandler):
    """Says yes to everything."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def reply(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        content = json.dumps(AGREEABLE).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
    setattr(Agreeable, f"do_{method}", lambda self: self.reply())


class Closed(Agreeable):
    """Knows nobody."""

    def reply(self) -> None:
        self.send_error(401)


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def run(url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "gnathos.conformance", "--url", url, "--client-id", "a", "--client-secret", "b"]
    command += ["--webhook-seconds", "0.5"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120, check=False)


def test_a_server_that_agrees_to_everything() -> None:
    with serving(Agreeable) as url:
        ended = run(url, "--json")

    found = json.loads(ended.stdout)
    assert (ended.returncode, found["kept"]) == (1, False)
    outcomes = {
        level: Counter(each["outcome"] for each in found["checks"] if each["level"] == level) for level in Level
    }
    assert outcomes[Level.CONTRACT]["failed"] > 40
    assert outcomes[Level.BEYOND]["failed"] == 0  # what is not in the contract cannot be broken
    assert outcomes[Level.BEYOND]["not offered"] > 20
    quick_start = [each["outcome"] for each in found["checks"] if each["section"] == "quick start"]
    assert set(quick_start) == {"failed"}
    protected = [each for each in found["checks"] if each["name"].endswith("needs the token")]
    assert {each["outcome"] for each in protected} == {"failed"}


def test_the_table_names_section_level_and_outcome(capsys) -> None:
    outcomes = cycle(Outcome)

    print_table([Finding(check, next(outcomes), "because", 0.1) for check in CHECKS])

    printed = capsys.readouterr().out
    for word in ("quick start", "1.13", *Level, *Outcome, "because"):
        assert word in printed
    assert printed.splitlines()[-1].startswith("beyond the contract: ")


@pytest.mark.parametrize("handler", [Closed, None], ids=["it refuses the credentials", "nobody is there"])
def test_a_server_that_cannot_be_asked(handler: type[BaseHTTPRequestHandler] | None) -> None:
    if handler is None:
        ended = run(f"http://127.0.0.1:{free_port()}")
    else:
        with serving(handler) as url:
            ended = run(url)

    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = [each for each in ended.stderr.splitlines() if each.startswith("The server cannot be checked: ")]
    assert ("got 401" if handler else "no answer") in line
