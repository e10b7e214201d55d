"""Turns of jobs in the queue, so that no tenant waits for all jobs of another."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    op.add_column("jobs", sa.Column("turn", sa.BigInteger(), nullable=True))
    # As the other columns that an operator sets for a tenant: a number, null where the installation's counts.
    op.drop_column("tenants", "deidentify")
    op.add_column("tenants", sa.Column("deidentify", sa.Integer(), nullable=True))
