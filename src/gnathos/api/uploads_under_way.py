"""Uploads that a notification may wait for.

The quick start's Node snippet sends the upload and the notification at once, without waiting for either: the
notification then arrives first.
"""

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

BEGINS_WITHIN_S = 1.0
"""How long after the notification an upload that was sent with it may begin."""

CHECK_INTERVAL_S = 0.1

InputId = tuple[uuid.UUID, str]
"""Job and key."""


class UploadsUnderWay:
    """The inputs that are being sent to this process; used by its event loop only."""

    def __init__(self) -> None:
        self._counts: Counter[InputId] = Counter()

    @contextmanager
    def counted(self, job_id: uuid.UUID, key: str) -> Iterator[None]:
        """Note one for as long as it lasts."""
        self._counts[job_id, key] += 1
        try:
            yield
        finally:
            self._counts[job_id, key] -= 1
            if not self._counts[job_id, key]:
                del self._counts[job_id, key]

    def has(self, job_id: uuid.UUID, key: str) -> bool:
        """Whether one is under way."""
        return (job_id, key) in self._counts
