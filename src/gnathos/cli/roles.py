"""`gnathos serve` and `gnathos worker`: one role, against a database that is elsewhere."""

import os
import sys
from typing import NoReturn

from gnathos.errors import DatabaseUnavailable
from gnathos.jobs.database import migrate
from gnathos.settings import Settings
from gnathos.supervisor.engine import check_address


def run(role: str, host: str | None, port: int | None) -> NoReturn:
    """Bring the database to this version, and become the role.

    Raises:
        DatabaseUnavailable: none was named, or it does not answer.
        AddressInUse: the API cannot listen where it should.
    """
    settings = Settings.from_environment(host=host, port=port)
    require_database(settings)
    if role == "api" and settings.port:
        check_address(settings.host, settings.port)
    migrate(settings.database_url)
    environment = {**os.environ, **settings.as_environment()}
    os.execve(sys.executable, [sys.executable, "-m", f"gnathos.{role}"], environment)  # noqa: S606 - no shell is meant


def require_database(settings: Settings) -> None:
    """Raise where no database was named."""
    if not settings.database_url:
        raise DatabaseUnavailable(
            "No database was named.", remedy="Set GNATHOS_DATABASE_URL, or run everything with `gnathos up`."
        )
