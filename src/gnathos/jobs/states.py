"""The states of a job and the moves between them."""

import enum

from gnathos.errors import JobAlreadyEnded


class State(enum.StrEnum):
    """Where a job is."""

    WAITING = "waiting"
    """For its uploads, or for a worker."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    """It ended with a result, in which single outputs may be missing or failed."""
    FAILED = "failed"
    """It ended without one: `success` is false."""
    CANCELLED = "cancelled"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.WAITING: frozenset({State.RUNNING, State.FAILED, State.CANCELLED}),
    State.RUNNING: frozenset({State.RUNNING, State.WAITING, State.SUCCEEDED, State.FAILED, State.CANCELLED}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
}
"""The allowed moves; `running` to `running` is a further attempt, to `waiting` an attempt that was given back."""

OPEN_STATES = frozenset(state for state, moves in TRANSITIONS.items() if moves)
"""States that a job can still leave."""


def check_transition(before: State, after: State) -> None:
    """Refuse a move that is not in `TRANSITIONS`.

    Raises:
        JobAlreadyEnded: the move is not allowed.
    """
    if after not in TRANSITIONS[before]:
        raise JobAlreadyEnded(f"The job is {before.value}; it cannot become {after.value}.")
