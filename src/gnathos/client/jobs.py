"""What an engine answers, as the client hands it on."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypedDict


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
        """Read the answer to a submission; each URL has two names in the contract."""
        uploads = {
            key: Upload(each.get("presignedUploadUrl") or each["uploadUrl"], _notify_url(each))
            for key, each in answer.get("presignedUploadUrl", {}).items()
        }
        return cls(answer["jobId"], uploads)


def _notify_url(urls: Mapping[str, str]) -> str:
    return urls.get("notifyFinishUploadUrl") or urls["notifyUrl"]


@dataclass(frozen=True)
class Progress:
    """How far a job is."""

    stage: str
    """`upload`, the job's own (`queue`, `start`, `read`, `check`, `segment`, `mesh`, `write` …), `download`."""
    fraction: float
    """0-1: of the bytes while they move, of the whole run meanwhile."""


OnProgress = Callable[[Progress], None]
OnBytes = Callable[[float], None]
"""Told which part (0-1) of a file has moved."""


class Reason(TypedDict, total=False):
    """Why something is missing or failed; `code` is stable."""

    code: str
    detail: str
    remedy: str


class FileResult(TypedDict, total=False):
    """What became of one file. The contract has the first five; this engine adds the others."""

    status: str
    """`Available`, `Missing` or `Failed`."""
    size: int
    extension: str
    structures: list[str]
    url: str | None
    downloadUrl: str | None
    reason: Reason | None
    confidence: float
    parts: list[dict[str, Any]]
    measures: dict[str, Any]
    sha256: str | None
    delivery: dict[str, Any] | None


class Result(TypedDict, total=False):
    """A job that has ended. The contract has the first two; this engine adds the others."""

    success: bool
    outputFiles: dict[str, list[FileResult]]
    """By kind: `meshes` and others."""
    jobId: str
    state: str
    error: Reason | None
    warnings: list[dict[str, Any]]
    coordinateSystem: dict[str, Any]
    receipt: dict[str, Any]
    externalJobId: str | None
    region: str
    createdAt: str
    startedAt: str | None
    endedAt: str | None


class Processing(TypedDict, total=False):
    """A job that has not ended; an engine need not say any of it."""

    jobId: str
    status: str
    state: str
    stage: str
    progress: float


class JobSummary(TypedDict, total=False):
    """A job as this engine lists it."""

    jobId: str
    version: str
    state: str
    stage: str
    progress: float
    attempt: int
    success: bool | None
    error: Reason | None
    externalJobId: str | None
    endUserId: str | None
    createdAt: str
    queuedAt: str | None
    startedAt: str | None
    endedAt: str | None
    deletedAt: str | None
    erasedAt: str | None


def files_of(result: Result) -> Iterator[tuple[str, FileResult]]:
    """Every file of a result with its kind, in the order asked for."""
    for kind, files in result.get("outputFiles", {}).items():
        for file in files or []:
            yield kind, file


def is_available(file: FileResult) -> bool:
    """Whether it was made."""
    return file["status"] == "Available"
