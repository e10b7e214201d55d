"""Who did what, kept after the job itself is gone; nothing in it is about a patient."""

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gnathos.jobs.tables import AuditEntry

ENGINE = "engine"
"""Actor of what happens by itself, such as the end of the retention."""

OPERATOR = "operator"
"""Actor of what is done at the command line of the installation."""


def record(
    tenant_id: uuid.UUID, session: Session, actor: str, action: str, job_id: uuid.UUID | None = None, **details: Any
) -> None:
    """Note that the actor did it, in the transaction that does it."""
    session.add(AuditEntry(tenant_id=tenant_id, actor=actor, action=action, job_id=job_id, details=details))


def entries(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID | None = None) -> list[AuditEntry]:
    """What was noted, the oldest first; of one job where one is named."""
    query = select(AuditEntry).where(AuditEntry.tenant_id == tenant_id).order_by(AuditEntry.id)
    return list(session.scalars(query if job_id is None else query.where(AuditEntry.job_id == job_id)))
