"""Inputs taken from earlier jobs, what was found in them, uploads in parts, de-identification: only added."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add everything."""
    op.add_column("inputs", sa.Column("source_job_id", sa.Uuid(), nullable=True))
    op.add_column("inputs", sa.Column("findings_key", sa.Text(), nullable=True))
    op.create_index("inputs_tenant_id_sha256_index", "inputs", ["tenant_id", "sha256"], unique=False)
    op.drop_index("inputs_tenant_id_index", "inputs")
    op.add_column("tenants", sa.Column("deidentify", sa.Boolean(), nullable=True))
    op.create_table(
        "upload_parts",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="upload_parts_tenant_id_fkey"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="upload_parts_job_id_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "key", "start", name="upload_parts_pkey"),
    )
