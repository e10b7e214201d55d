"""Deletion, transfers by URL, webhooks, limits and the audit log: columns and tables are only added."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add everything."""
    for name in ("max_open_jobs", "jobs_per_minute", "upload_hours", "result_hours"):
        op.add_column("tenants", sa.Column(name, sa.Integer(), nullable=True))
    op.add_column("tenants", sa.Column("max_stored_mb", sa.BigInteger(), nullable=True))
    for name in ("finish_webhook", "base_url"):
        op.add_column("jobs", sa.Column(name, sa.Text(), nullable=True))
    for name in ("deleted_at", "erased_at"):
        op.add_column("jobs", sa.Column(name, TIME, nullable=True))
    op.add_column("inputs", sa.Column("download_url", sa.Text(), nullable=True))
    op.add_column("inputs", sa.Column("queue_job_id", sa.BigInteger(), nullable=True))
    op.add_column("inputs", sa.Column("fetch_failures", sa.Integer(), server_default="0", nullable=False))
    op.add_column("outputs", sa.Column("upload_url", sa.Text(), nullable=True))
    op.add_column("outputs", sa.Column("delivery", postgresql.JSONB(), nullable=True))
    op.create_index("inputs_tenant_id_index", "inputs", ["tenant_id"], unique=False)
    op.create_index("outputs_tenant_id_index", "outputs", ["tenant_id"], unique=False)
    _create_audit_log()
    _create_webhooks()


def _create_audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="audit_log_tenant_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="audit_log_pkey"),
    )
    op.create_index("audit_log_tenant_id_id_index", "audit_log", ["tenant_id", "id"], unique=False)


def _create_webhooks() -> None:
    op.create_table(
        "webhook_secrets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="webhook_secrets_tenant_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="webhook_secrets_pkey"),
    )
    op.create_index("webhook_secrets_tenant_id_index", "webhook_secrets", ["tenant_id"], unique=False)
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("queue_job_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("next_try_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="webhook_deliveries_tenant_id_fkey"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="webhook_deliveries_job_id_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="webhook_deliveries_pkey"),
    )
    indexes = {"job_id": ["job_id"], "state": ["state"], "tenant_id_created_at": ["tenant_id", "created_at"]}
    for name, columns in indexes.items():
        op.create_index(f"webhook_deliveries_{name}_index", "webhook_deliveries", columns, unique=False)
