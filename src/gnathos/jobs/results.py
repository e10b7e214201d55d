"""What is read of jobs: to be polled, and to be downloaded."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from gnathos.errors import JobDeleted, UnknownFile, UnknownJob
from gnathos.jobs.tables import Job, Output


def find_job(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID) -> Job:
    """A job of the tenant.

    Raises:
        UnknownJob: there is none; another tenant's is none.
    """
    job = session.scalars(select(Job).where(Job.tenant_id == tenant_id, Job.id == job_id)).first()
    if job is None:
        raise UnknownJob
    return job


def find_kept_job(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID) -> Job:
    """A job of the tenant that was not deleted.

    Raises:
        UnknownJob: there is none.
        JobDeleted: there was one.
    """
    job = find_job(tenant_id, session, job_id)
    if job.deleted_at is not None:
        raise JobDeleted
    return job


def find_external_job_id(tenant_id: uuid.UUID, session: Session, external_job_id: str) -> uuid.UUID:
    """The id of the tenant's job that its caller called so.

    Raises:
        UnknownJob: there is none.
    """
    named = select(Job.id).where(Job.tenant_id == tenant_id, Job.external_job_id == external_job_id)
    found = None if "\0" in external_job_id else session.scalars(named).first()
    if found is None:
        raise UnknownJob
    return found


def find_output(tenant_id: uuid.UUID, session: Session, output_id: uuid.UUID) -> Output:
    """An output that can be downloaded.

    Raises:
        UnknownFile: there is none, or it has no file.
    """
    output = session.scalars(select(Output).where(Output.tenant_id == tenant_id, Output.id == output_id)).first()
    if output is None or output.object_key is None:
        raise UnknownFile
    return output
