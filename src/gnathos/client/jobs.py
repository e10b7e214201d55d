"""What the engine answers, as the client hands it on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Upload:
    """Where one input goes."""

    url: str
    notify_url: str


@dataclass(frozen=True)
class Job:
    """A job that was submitted."""

    id: str
    uploads: Mapping[str, Upload]
    """By the input's key, `cbct` for one."""

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> Self:
        """Read the answer to a submission."""
        uploads = {
            key: Upload(each["presignedUploadUrl"], each["notifyFinishUploadUrl"])
            for key, each in answer.get("presignedUploadUrl", {}).items()
        }
        return cls(answer["jobId"], uploads)


@dataclass(frozen=True)
class Progress:
    """How far a job is."""

    stage: str
    """`upload`, the job's own (`queue`, `start`, `read`, `check`, `segment`, `mesh`, `write`), `download`."""
    fraction: float
    """0-1: of the bytes while they move, of the whole run meanwhile."""
