import threading

import alembic.command
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from gnathos.errors import DatabaseUnavailable
from gnathos.jobs.database import IDLE_S, Database, driver_url, libpq_url, migrate, migration_settings
from gnathos.jobs.queue_schema import migration_names, upgrade_queue
from gnathos.jobs.tables import Table


def test_migrations_build_the_tables_of_the_models(database_url: str) -> None:
    migrate(database_url)

    with Database(database_url) as database, database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": _is_ours})
        assert compare_metadata(context, Table.metadata) == []


def test_many_processes_may_migrate_at_once(postgres) -> None:
    url = postgres.create_database()
    failures: list[BaseException] = []

    def start() -> None:
        try:
            migrate(url)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    with Database(url) as database, database.engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("SELECT version_num FROM alembic_version")) == "0004"


def test_a_migration_that_breaks_leaves_nothing(postgres) -> None:
    url = postgres.create_database()
    with Database(url) as database:
        with pytest.raises(RuntimeError, match="power cut"):
            _migrate_until_power_cut(database)
        assert sqlalchemy.inspect(database.engine).get_table_names() == []

        migrate(url)

        assert "jobs" in sqlalchemy.inspect(database.engine).get_table_names()


def test_the_queue_brings_only_what_is_new(database_url: str) -> None:
    migrate(database_url)
    with Database(database_url) as database, database.engine.begin() as connection:
        upgrade_queue(connection)

        applied = connection.scalars(sqlalchemy.text('SELECT name FROM queue_migrations ORDER BY name COLLATE "C"'))
        assert list(applied) == migration_names()


def test_no_database_is_said_so() -> None:
    with pytest.raises(DatabaseUnavailable, match=r"within 0\.3 s"):
        migrate("postgresql://nobody@127.0.0.1:9/nothing", timeout_s=0.3)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_urls_of_every_spelling(scheme: str) -> None:
    url = f"{scheme}://me:p%40ss@host:5433/name?host=/run"

    assert driver_url(url).drivername == "postgresql+psycopg"
    assert libpq_url(url) == "postgresql://me:p%40ss@host:5433/name?host=%2Frun"


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "table" or not (name or "").startswith(("procrastinate_", "queue_", "alembic_"))


def _migrate_until_power_cut(database: Database) -> None:
    with database.engine.begin() as connection:
        alembic.command.upgrade(migration_settings(connection), "head")
        raise RuntimeError("power cut")


def test_a_transaction_that_stands_still_lets_go_of_its_locks(database_url: str) -> None:
    migrate(database_url)
    with Database(database_url) as held_up, Database(database_url) as other:
        with held_up.transaction() as session:
            usual = session.scalar(sqlalchemy.text("SHOW idle_in_transaction_session_timeout"))
        assert usual == f"{IDLE_S}s"

        with pytest.raises(DatabaseUnavailable):
            hold_up(held_up, other)
        assert held_up.is_up()


def hold_up(held_up: Database, other: Database) -> None:
    lock = sqlalchemy.text("SELECT pg_advisory_xact_lock(42)")
    with held_up.transaction() as session:
        session.execute(sqlalchemy.text("SET LOCAL idle_in_transaction_session_timeout = '300ms'"))
        session.execute(lock)
        with other.transaction() as waiting:
            waiting.execute(lock)
        session.execute(lock)
