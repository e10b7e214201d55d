"""The tables, as SQLAlchemy models; `migrations/` builds the same in the database."""

import uuid
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

NAMING = {
    "ix": "%(table_name)s_%(column_0_N_name)s_index",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


class Table(DeclarativeBase):
    """What all tables share."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar = {
        dict[str, Any]: JSONB(none_as_null=True),
        list[Any]: JSONB(none_as_null=True),
        datetime: DateTime(timezone=True),
        str: Text,
        bytes: LargeBinary,
    }


class Tenant(Table):
    """Whose data it is."""

    __tablename__ = "tenants"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    disabled_at: Mapped[datetime | None]
    max_open_jobs: Mapped[int | None]
    """This and what follows: null where the installation's setting counts, 0 for no limit."""
    max_stored_mb: Mapped[int | None] = mapped_column(BigInteger)
    jobs_per_minute: Mapped[int | None]
    upload_hours: Mapped[int | None]
    result_hours: Mapped[int | None]
    deidentify: Mapped[int | None]
    """1: it is taken out of scans whose they are, before anything is made of them."""


class Client(Table):
    """A program that may get tokens for a tenant."""

    __tablename__ = "clients"

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"), index=True)
    name: Mapped[str]
    secret_sha256: Mapped[bytes]
    """Of a secret of 256 random bits, so no slow hash is needed."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[datetime | None]


class SigningKey(Table):
    """A key made at first start: RSA for tokens, random bytes for URLs."""

    __tablename__ = "signing_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(index=True)
    """`tokens` or `urls`."""
    private: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    retired_at: Mapped[datetime | None]
    """From then on it only checks; it signs nothing new."""


class Job(Table):
    """One request to the engine."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("tenant_id", "external_job_id"),
        Index("jobs_tenant_id_created_at_id_index", "tenant_id", "created_at", "id"),
        Index(
            "jobs_open_index",
            "state",
            "attempt_seen_at",
            postgresql_where=text("state IN ('waiting', 'running')"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"))
    client_id: Mapped[str]
    """`client_id` of the token; a client of an external issuer has no row in `clients`."""
    version: Mapped[str]
    state: Mapped[str]
    stage: Mapped[str]
    progress: Mapped[float] = mapped_column(default=0.0)
    """0-1, of the whole job."""
    request: Mapped[dict[str, Any]]
    """The body as sent."""
    options: Mapped[dict[str, Any]]
    external_job_id: Mapped[str | None]
    cloud_package: Mapped[str | None]
    end_user_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    queued_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    queue_job_id: Mapped[int | None] = mapped_column(BigInteger)
    """The job of the queue that stands for it."""
    attempt: Mapped[int] = mapped_column(default=0)
    """Number of the latest attempt: only that one may write."""
    attempt_is_open: Mapped[bool] = mapped_column(default=False)
    """The latest attempt has neither ended the job, nor crashed, nor been given back."""
    attempt_seen_at: Mapped[datetime | None]
    """When the latest attempt last gave a sign of life."""
    crashes: Mapped[int] = mapped_column(default=0)
    """Attempts whose child process crashed."""
    losses: Mapped[int] = mapped_column(default=0)
    """Attempts that vanished together with their worker."""
    success: Mapped[bool | None]
    error: Mapped[dict[str, Any] | None]
    warnings: Mapped[list[Any]] = mapped_column(default=list)
    coordinate_system: Mapped[dict[str, Any]] = mapped_column(default=dict)
    receipt: Mapped[dict[str, Any]] = mapped_column(default=dict)
    stage_seconds: Mapped[dict[str, Any]] = mapped_column(default=dict)
    finish_webhook: Mapped[str | None]
    base_url: Mapped[str | None]
    """Where the client reached the API: what is sent without being asked for links there."""
    turn: Mapped[int | None] = mapped_column(BigInteger)
    """The round of the queue in which it is to run (see `turns`); null until it is in the queue."""
    deleted_at: Mapped[datetime | None]
    """From then on the row is a record: nothing in it is about a patient."""
    erased_at: Mapped[datetime | None]
    """When the store was seen to hold nothing of it any more."""

    inputs: Mapped[list["Input"]] = relationship(order_by="Input.key")
    outputs: Mapped[list["Output"]] = relationship(order_by="(Output.kind, Output.position)")


class Input(Table):
    """One file that a job reads."""

    __tablename__ = "inputs"
    __table_args__ = (UniqueConstraint("job_id", "key"), Index("inputs_tenant_id_sha256_index", "tenant_id", "sha256"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"))
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    key: Mapped[str]
    """The key under `inputFiles`, for example `cbct`."""
    extension: Mapped[str]
    """Normalised, for example `.nii.gz`."""
    object_key: Mapped[str | None]
    """Where the whole upload is in the store; null before."""
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None]
    uploaded_at: Mapped[datetime | None]
    notified_at: Mapped[datetime | None]
    download_url: Mapped[str | None]
    """Where we fetch it; null where it is uploaded."""
    source_job_id: Mapped[uuid.UUID | None]
    """The job whose input of the same key it is; it is copied, and looks after itself from then on."""
    queue_job_id: Mapped[int | None] = mapped_column(BigInteger)
    """The job of the queue that fetches it."""
    fetch_failures: Mapped[int] = mapped_column(default=0, server_default="0")
    findings_key: Mapped[str | None]
    """Where what was found in it is in the store; null where nothing is kept."""

    @property
    def is_fetched(self) -> bool:
        """Whether it comes by itself, without an upload and a notification."""
        return self.download_url is not None or self.source_job_id is not None


class UploadPart(Table):
    """A piece of an upload that is sent in parts; deleted when the parts have become one file."""

    __tablename__ = "upload_parts"

    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    """Of the input."""
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    """Place of its first byte in the file."""
    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    object_key: Mapped[str]


class Output(Table):
    """One file that a job makes."""

    __tablename__ = "outputs"
    __table_args__ = (UniqueConstraint("job_id", "kind", "position"), Index("outputs_tenant_id_index", "tenant_id"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"))
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    kind: Mapped[str]
    """The key under `outputFiles`, for example `meshes`."""
    position: Mapped[int]
    extension: Mapped[str]
    """Normalised."""
    extension_asked: Mapped[str]
    """As sent, to be echoed."""
    structures: Mapped[list[Any]]
    """As sent: names and shorthands."""
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Further keys of the entry."""
    status: Mapped[str | None]
    """`Available`, `Missing` or `Failed`; null until the job has ended."""
    object_key: Mapped[str | None]
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None]
    confidence: Mapped[float | None]
    reason: Mapped[dict[str, Any] | None]
    parts: Mapped[list[Any]] = mapped_column(default=list)
    measures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    upload_url: Mapped[str | None]
    """Where we send it; null where it is downloaded."""
    delivery: Mapped[dict[str, Any] | None]
    """What became of sending it: `status` and `detail`."""


class IdempotencyKey(Table):
    """A request that may be repeated without doing it twice."""

    __tablename__ = "idempotency_keys"

    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_sha256: Mapped[bytes]
    job_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("jobs.id", ondelete="CASCADE", deferrable=True, initially="DEFERRED")
    )
    """Checked at commit: the key is claimed before the job is made."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class WorkerHeartbeat(Table):
    """A worker that is there."""

    __tablename__ = "worker_heartbeats"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    host: Mapped[str]
    engine_version: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class AuditEntry(Table):
    """Something that somebody did, without anything about a patient."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("audit_log_tenant_id_id_index", "tenant_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"))
    actor: Mapped[str]
    """`client_id` of the token, `operator` or `engine`."""
    action: Mapped[str]
    """What was done, for example `job.deleted`."""
    job_id: Mapped[uuid.UUID | None]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)


class WebhookSecret(Table):
    """A key that signs what we send to a tenant."""

    __tablename__ = "webhook_secrets"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"), index=True)
    secret: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    """Null for the newest; the one before signs too until then."""


class WebhookDelivery(Table):
    """A message to a client's webhook."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (Index("webhook_deliveries_tenant_id_created_at_index", "tenant_id", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    """The `webhook-id`: the same on every try."""
    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"))
    job_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    """Null for a test call."""
    url: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)
    """`pending`, `delivered` or `dead`."""
    tries: Mapped[int] = mapped_column(default=0)
    queue_job_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    next_try_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    last_status: Mapped[int | None]
    """Of HTTP; null where there was no answer."""
    last_error: Mapped[str | None]
