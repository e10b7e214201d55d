"""The connection to PostgreSQL, its transactions and its migrations."""

import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import alembic.command
import alembic.config
import psycopg
import sqlalchemy
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from gnathos.errors import DatabaseUnavailable

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5
"""How long one attempt to connect may take."""

WAIT_INTERVAL_S = 0.25
"""Between two attempts to connect, while a database starts."""

IDLE_S = 10
"""How long a transaction may stand still before the database ends it: a process that is held up in one keeps its locks,
and with them everybody else, waiting."""

MIGRATION_LOCK = 0x676E6174686F73
"""Key of the advisory lock under which one process migrates while the others wait ("gnathos" in ASCII)."""

MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """A pool of connections to one PostgreSQL database."""

    def __init__(self, database_url: str, pool_size: int = 8) -> None:
        self.engine = sqlalchemy.create_engine(
            driver_url(database_url),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=10,
            pool_pre_ping=True,  # a restarted database leaves dead connections in the pool
            connect_args={"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "gnathos"},
        )
        sqlalchemy.event.listen(self.engine, "connect", _limit_idling)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Session]:
        """Commit what is done within, or nothing of it.

        Raises:
            DatabaseUnavailable: the database does not answer, or went away meanwhile.
        """
        try:
            with self._sessions.begin() as session:
                yield session
        except DBAPIError as error:
            if not is_outage(error):
                raise
            raise DatabaseUnavailable from error
        except PoolTimeout as error:
            raise DatabaseUnavailable from error

    def wait_until_up(self, timeout_s: float = 30) -> None:
        """Return once the database answers.

        Raises:
            DatabaseUnavailable: it did not within the time.
        """
        deadline = time.monotonic() + timeout_s
        while not self.is_up():
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(f"The database did not answer within {timeout_s:g} s.")
            time.sleep(WAIT_INTERVAL_S)

    def is_up(self) -> bool:
        """Whether a query goes through."""
        try:
            with self.engine.connect() as connection:
                connection.execute(sqlalchemy.text("SELECT 1"))
        except (DBAPIError, PoolTimeout):
            return False
        return True

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _limit_idling(connection: psycopg.Connection[Any], _record: object) -> None:
    connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_S}s'")
    connection.commit()


def migrate(database_url: str, timeout_s: float = 30) -> None:
    """Bring the database to this version's tables, ours and the queue's; safe from any number of processes at once.

    Raises:
        DatabaseUnavailable: the database did not answer within the time.
    """
    with Database(database_url, pool_size=1) as database:
        database.wait_until_up(timeout_s)
        with database.engine.begin() as connection:
            connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            alembic.command.upgrade(migration_settings(connection), "head")


def migration_settings(connection: Connection) -> alembic.config.Config:
    """Alembic's settings for a connection whose transaction is already open."""
    settings = alembic.config.Config()
    settings.set_main_option("script_location", str(MIGRATIONS))
    settings.set_main_option("path_separator", "os")
    settings.attributes["connection"] = connection
    return settings


def driver_url(database_url: str) -> URL:
    """The URL with the driver that we use; `postgres://` and `postgresql://` are accepted."""
    return make_url(database_url.replace("postgres://", "postgresql://", 1)).set(drivername="postgresql+psycopg")


def libpq_url(database_url: str) -> str:
    """The URL as PostgreSQL's own library reads it."""
    return driver_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)


def is_outage(error: DBAPIError) -> bool:
    """Whether the database went away, rather than refused a statement."""
    return error.connection_invalidated or isinstance(
        error, (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError)
    )
