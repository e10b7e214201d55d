"""Uploads that are sent in parts: what has come so far."""

import uuid
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gnathos.errors import UploadOffsetDiffers
from gnathos.jobs.states import OPEN_STATES
from gnathos.jobs.tables import Job, UploadPart
from gnathos.jobs.uploads import Upload, check_takes_files, find_input


def offset_of(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID, key: str) -> int:
    """How many bytes of an input have come in parts."""
    query = select(func.coalesce(func.sum(UploadPart.size_bytes), 0)).where(
        UploadPart.tenant_id == tenant_id, UploadPart.job_id == job_id, UploadPart.key == key
    )
    return int(session.scalars(query).one())


def record_part(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID, key: str, start: int, part: Upload) -> None:
    """Note a part that is in the store.

    Raises:
        UploadOffsetDiffers: another has come for the same place meanwhile.
        UploadClosed: the input was notified, or the job has ended.
    """
    check_takes_files(tenant_id, session, job_id, key)
    offset = offset_of(tenant_id, session, job_id, key)
    if offset != start:
        raise UploadOffsetDiffers(f"{offset} bytes have come so far, so the next is not number {start}.")
    values = {"size_bytes": part.size_bytes, "object_key": part.object_key}
    session.add(UploadPart(tenant_id=tenant_id, job_id=job_id, key=key, start=start, **values))
    session.flush()


def parts_of(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID, key: str) -> Sequence[UploadPart]:
    """The parts that have come, in their order."""
    find_input(tenant_id, session, job_id, key)
    query = select(UploadPart).where(
        UploadPart.tenant_id == tenant_id, UploadPart.job_id == job_id, UploadPart.key == key
    )
    return session.scalars(query.order_by(UploadPart.start)).all()


def drop_parts(tenant_id: uuid.UUID, session: Session, job_id: uuid.UUID, key: str, start: int = 0) -> list[str]:
    """Forget the parts from a place on; their object keys, to be deleted once this is committed."""
    dropped = [each for each in parts_of(tenant_id, session, job_id, key) if each.start >= start]
    for each in dropped:
        session.delete(each)
    return [each.object_key for each in dropped]


def forget_parts(session: Session) -> list[str]:
    """Forget the parts of jobs that have ended; their object keys, to be deleted once this is committed."""
    is_over = Job.state.not_in([state.value for state in OPEN_STATES])
    left = session.scalars(select(UploadPart).join(Job, Job.id == UploadPart.job_id).where(is_over)).all()
    for each in left:
        session.delete(each)
    return [each.object_key for each in left]
