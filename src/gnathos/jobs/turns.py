"""Whose turn it is: tenants with jobs in the queue are served one after the other, a job at a time.

Fair queuing with one counter: a job's turn is the round in which it is to run. A tenant's jobs take one round each, in
their order; whoever comes anew begins in the present round, however many jobs of others wait for later ones.
"""

import uuid

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gnathos.jobs.states import OPEN_STATES, State
from gnathos.jobs.tables import Job


def next_turn(tenant_id: uuid.UUID, session: Session) -> int:
    """The round for one more job of the tenant."""
    is_open = Job.state.in_([state.value for state in OPEN_STATES])
    own = session.scalars(select(func.max(Job.turn)).where(Job.tenant_id == tenant_id, is_open)).one()
    present = _present_round(session)
    return present if own is None else max(present, own + 1)


def _present_round(session: Session) -> int:
    """The first that somebody waits for; that of the last job which runs, where nobody waits."""
    waiting = session.scalars(select(func.min(Job.turn)).where(Job.state == State.WAITING.value)).one()
    if waiting is not None:
        return int(waiting)
    running = session.scalars(select(func.max(Job.turn)).where(Job.state == State.RUNNING.value)).one()
    return int(running or 0)
