"""How alembic runs our migrations: on the connection it is given, within its transaction."""

from alembic import context

from gnathos.jobs.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    transaction_per_migration=False,
)
context.run_migrations()
