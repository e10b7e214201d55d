"""`gnathos up`: the whole engine on this machine."""

import json
from pathlib import Path

from gnathos.client.engine import VERSION
from gnathos.settings import Settings
from gnathos.supervisor import Running, instructions
from gnathos.supervisor import run as run_engine


def run(data: Path | None, port: int | None, host: str | None, as_json: bool) -> None:
    """Run until Ctrl-C."""
    run_engine(Settings.from_environment(data=data, port=port, host=host), announce_json if as_json else announce)


def announce(running: Running) -> None:
    """Say where the engine is, and at the first start how to use it."""
    lines = [
        f"Gnathos is ready: open {running.url} in a browser; the documentation is at {running.url}/docs",
        f"Credentials: {running.credentials}",
    ]
    if running.is_first_start:
        lines += ["", "A token, and a first job:", "", instructions(running.url, VERSION, running.credentials), ""]
    print("\n".join(lines), flush=True)


def announce_json(running: Running) -> None:
    """The same in one line for a program."""
    places = {"url": running.url, "documentation": f"{running.url}/docs", "credentials": str(running.credentials)}
    print(json.dumps({**places, "isFirstStart": running.is_first_start}), flush=True)
