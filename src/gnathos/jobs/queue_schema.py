"""The queue's own tables: procrastinate's SQL, applied by our migrations."""

import psycopg
from procrastinate.schema import SchemaManager, migrations_path
from sqlalchemy.engine import Connection


def install_queue(connection: Connection) -> None:
    """Create procrastinate's tables and note which of its migrations they already hold."""
    queue = _driver_connection(connection)
    queue.execute(SchemaManager.get_schema())
    queue.execute("CREATE TABLE queue_migrations (name text PRIMARY KEY)")
    for name in migration_names():
        queue.execute("INSERT INTO queue_migrations VALUES (%s)", [name])


def upgrade_queue(connection: Connection) -> None:
    """Apply the migrations that a newer procrastinate brings, in its order, each once."""
    queue = _driver_connection(connection)
    applied = {name for (name,) in queue.execute("SELECT name FROM queue_migrations")}
    for name in migration_names():
        if name not in applied:
            queue.execute((migrations_path / name).read_bytes())
            queue.execute("INSERT INTO queue_migrations VALUES (%s)", [name])


def migration_names() -> list[str]:
    """The names of procrastinate's migrations; their order is that of their names."""
    return sorted(path.name for path in migrations_path.glob("*.sql"))


def _driver_connection(connection: Connection) -> psycopg.Connection[tuple[str]]:
    """The driver's connection: it runs a script of many statements as it stands, per cent signs included."""
    driver_connection = connection.connection.driver_connection
    assert isinstance(driver_connection, psycopg.Connection)  # noqa: S101 - for the type checker
    return driver_connection
