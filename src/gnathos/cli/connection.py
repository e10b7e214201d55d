"""The engine that a command talks to."""

from pathlib import Path

from gnathos.client import Engine
from gnathos.settings import Settings

CREDENTIALS_FILE = "credentials.json"


def engine_of(credentials: Path | None, url: str | None = None) -> Engine:
    """The client for a credentials file; for that of the data folder where none is named.

    Raises:
        EngineNotReachable: the file cannot be read.
    """
    file = credentials or Settings.from_environment().data / CREDENTIALS_FILE
    return Engine.from_file(file, **({"url": url} if url else {}))
