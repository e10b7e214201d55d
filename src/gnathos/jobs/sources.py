"""Inputs that are those of earlier jobs: named by the job, copied, and then a file like any other."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from gnathos.errors import InputExpired, UploadMissing
from gnathos.jobs.results import find_kept_job
from gnathos.jobs.tables import Input


def find_source(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID, key: str) -> Input:
    """The input of that key of an earlier job.

    Raises:
        UnknownJob: the tenant has no such job.
        JobDeleted: it had.
        UploadMissing: the job has no such input, or its file has not come yet.
        InputExpired: its time was over, or the job was deleted.
    """
    find_kept_job(tenant_id, session, job_id)
    query = select(Input).where(Input.tenant_id == tenant_id, Input.job_id == job_id, Input.key == key)
    found = session.scalars(query).first()
    if found is None:
        raise UploadMissing(f"The job has no input `{key}`.", remedy="Name a job that was given such a file.")
    if found.notified_at is None:
        raise UploadMissing(f"The file of the job's `{key}` has not come yet.", remedy="Wait until that job runs.")
    if found.object_key is None:
        raise InputExpired
    return found


def find_findings(tenant_id: uuid.UUID, session: Session, sha256: str) -> str | None:
    """Where it is kept what was found in a file of that content; the newest, of this tenant alone."""
    query = (
        select(Input.findings_key)
        .where(Input.tenant_id == tenant_id, Input.sha256 == sha256, Input.findings_key.is_not(None))
        .order_by(Input.notified_at.desc())
        .limit(1)
    )
    return session.scalars(query).first()
