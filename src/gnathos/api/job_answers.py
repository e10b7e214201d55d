"""What the job routes answer: the documented bodies, and what helps beside them."""

from typing import Any

from pydantic import BaseModel, Field

from gnathos.anatomy import expand_structures
from gnathos.answers.links import Links
from gnathos.jobs.submission import NewJob
from gnathos.jobs.tables import Job


class UploadUrls(BaseModel):
    """Where one input is sent; each URL under both of its documented names."""

    presignedUploadUrl: str = Field(description="PUT the file here, without a token.")  # noqa: N815 - contract
    uploadUrl: str = Field(description="The same.")  # noqa: N815 - contract
    notifyFinishUploadUrl: str = Field(description="Then PUT or POST here, with the token.")  # noqa: N815 - contract
    notifyUrl: str = Field(description="The same.")  # noqa: N815 - contract


class Submitted(BaseModel):
    """The job was accepted; it starts when every input is uploaded and notified."""

    jobId: str = Field(examples=["0b6f0c4e-6a3b-4f2e-9a37-0d3f2f6b8f11"])  # noqa: N815 - contract
    presignedUploadUrl: dict[str, UploadUrls] = Field(  # noqa: N815 - contract
        description="By the input's key; those with a `downloadUrl` are not in it."
    )


class Producible(BaseModel):
    """One output that would be made."""

    kind: str = Field(examples=["meshes"])
    extension: str = Field(examples=[".stl"])
    structures: list[str] = Field(description="With shorthands written out.", examples=[["mandible"]])


class Checked(BaseModel):
    """What a body that was only checked would produce."""

    valid: bool = Field(description="Always true: what is not valid is a problem.", examples=[True])
    inputFiles: dict[str, str] = Field(  # noqa: N815 - contract
        description="Extension by key.", examples=[{"cbct": ".dcm"}]
    )
    outputFiles: list[Producible]  # noqa: N815 - contract


class Notified(BaseModel):
    """The input is taken as complete."""

    jobId: str  # noqa: N815 - contract
    state: str = Field(examples=["waiting"])
    stage: str = Field(description="`upload` while other inputs are missing, then `queue`.", examples=["queue"])
    error: dict[str, Any] | None = Field(
        None, description="Why the file ended the job: `code`, `detail`, `remedy`, `input`."
    )


class JobSummary(BaseModel):
    """A job as it is listed."""

    jobId: str  # noqa: N815 - contract
    version: str = Field(examples=["26.11"])
    state: str = Field(examples=["succeeded"])
    stage: str = Field(examples=["end"])
    progress: float = Field(ge=0, le=1)
    attempt: int
    success: bool | None = Field(description="Null until the job has ended.")
    error: dict[str, Any] | None
    clientId: str  # noqa: N815 - contract
    externalJobId: str | None  # noqa: N815 - contract
    cloudPackage: str | None  # noqa: N815 - contract
    endUserId: str | None  # noqa: N815 - contract
    createdAt: str  # noqa: N815 - the contract's style
    queuedAt: str | None  # noqa: N815 - the contract's style
    startedAt: str | None  # noqa: N815 - the contract's style
    endedAt: str | None  # noqa: N815 - the contract's style
    deletedAt: str | None = Field(description="From then on only this record is left.")  # noqa: N815
    erasedAt: str | None = Field(description="When the store held nothing of it any more.")  # noqa: N815


class JobPage(BaseModel):
    """Some jobs, the newest first."""

    jobs: list[JobSummary]
    nextCursor: str | None = Field(description="Give it as `cursor` for the next page.")  # noqa: N815


class InputState(BaseModel):
    """What came of an input."""

    key: str = Field(examples=["cbct"])
    extension: str = Field(examples=[".dcm"])
    size: int | None
    sha256: str | None
    uploadedAt: str | None  # noqa: N815 - the contract's style
    notifiedAt: str | None  # noqa: N815 - the contract's style


class OutputState(BaseModel):
    """What came of an output; its file is in the result."""

    kind: str = Field(examples=["meshes"])
    extension: str = Field(examples=[".stl"])
    structures: list[str]
    status: str | None = Field(description="Null until the job has ended.")


class JobRecord(JobSummary):
    """A job with its files' states."""

    inputFiles: list[InputState]  # noqa: N815 - contract
    outputFiles: list[OutputState]  # noqa: N815 - contract


class Reason(BaseModel):
    """Why something is missing, failed, or reserved."""

    code: str = Field(examples=["not_in_field_of_view"])
    detail: str


class Delivered(BaseModel):
    """What came of sending a file to the client's `uploadUrl`; it can be downloaded in any case."""

    status: str = Field(description="`Delivered` or `Failed`.", examples=["Delivered"])
    reason: Reason | None = Field(description="Why it failed.")


class FileResult(BaseModel):
    """What became of one file."""

    status: str | None = Field(
        description="`Available`, `Missing` or `Failed`; null while the job runs and has not come to it.",
        examples=["Available"],
    )
    size: int = Field(description="Bytes.", examples=[12345])
    extension: str = Field(description="As asked for.", examples=[".stl"])
    structures: list[str] = Field(description="As asked for.", examples=[["mandible"]])
    url: str | None = Field(description="GET the file here, without a token; null unless available.")
    downloadUrl: str | None = Field(description="The same.")  # noqa: N815 - contract
    reason: Reason | None = Field(description="Why it is not available, or what to mind.")
    confidence: float = Field(ge=0, le=1, description="How sure the engine is.", examples=[0.97])
    parts: list[dict[str, Any]] = Field(description="The same for each structure.")
    measures: dict[str, Any] = Field(description="What can be counted: of a mesh, triangles and volume.")
    sha256: str | None = Field(description="Of the file.")
    delivery: Delivered | None = Field(description="What came of sending it to `uploadUrl`; null without one.")


class OutputFiles(BaseModel):
    """The outputs by kind, in the order asked for."""

    meshes: list[FileResult] | None = None
    dicomMeshes: list[FileResult] | None = None  # noqa: N815 - the contract's style
    segmentations: list[FileResult] | None = None
    previews: list[FileResult] | None = None
    panoramic: list[FileResult] | None = None
    volumes: list[FileResult] | None = None
    report: list[FileResult] | None = None
    archive: list[FileResult] | None = None


class Processing(BaseModel):
    """The job has not ended yet."""

    jobId: str  # noqa: N815 - contract
    status: str = Field(examples=["PROCESSING"])
    state: str = Field(description="`waiting` or `running`.", examples=["running"])
    stage: str = Field(
        description="`upload`, `fetch`, `queue`, `start`, `read`, `check`, `segment`, `mesh`, `write` or `deliver`.",
        examples=["segment"],
    )
    progress: float = Field(ge=0, le=1, examples=[0.4])
    createdAt: str  # noqa: N815 - the contract's style
    startedAt: str | None  # noqa: N815 - the contract's style
    attempt: int = Field(description="How often it was begun.", examples=[1])
    outputFiles: OutputFiles = Field(  # noqa: N815 - contract
        description="As in the result; `status` is null for what is not finished, the others can be downloaded already."
    )
    region: str = Field(examples=["local"])


class Finished(BaseModel):
    """The job has ended."""

    success: bool = Field(description="Whether it ran to its end; check each file's status all the same.")
    outputFiles: OutputFiles  # noqa: N815 - contract
    jobId: str  # noqa: N815 - contract
    state: str = Field(examples=["succeeded"])
    error: dict[str, Any] | None = Field(None, description="`code`, `detail`, `remedy` when success is false.")
    warnings: list[dict[str, Any]]
    coordinateSystem: dict[str, Any] = Field(description="Frame and unit of the meshes.")  # noqa: N815 - contract
    receipt: dict[str, Any] = Field(description="Versions, options, hashes and seconds per stage.")
    externalJobId: str | None = None  # noqa: N815 - contract
    region: str
    createdAt: str  # noqa: N815 - the contract's style
    startedAt: str | None  # noqa: N815 - the contract's style
    endedAt: str | None  # noqa: N815 - the contract's style


def submitted(job: Job, links: Links) -> dict[str, Any]:
    """The answer to a submission."""
    uploads = {
        given.key: (links.upload(job, given), links.notify(given)) for given in job.inputs if not given.is_fetched
    }
    urls = {
        key: {
            "presignedUploadUrl": upload,
            "uploadUrl": upload,
            "notifyFinishUploadUrl": notify,
            "notifyUrl": notify,
        }
        for key, (upload, notify) in uploads.items()
    }
    return {"jobId": str(job.id), "presignedUploadUrl": urls}


def checked(new: NewJob) -> dict[str, Any]:
    """The answer to a body that was only checked."""
    outputs = [
        {
            "kind": each.kind,
            "extension": each.extension,
            "structures": [structure.name for structure in expand_structures(each.structures)],
        }
        for each in new.outputs
    ]
    return {"valid": True, "inputFiles": {each.key: each.extension for each in new.inputs}, "outputFiles": outputs}


def notified(job: Job) -> dict[str, Any]:
    """The answer to a notification."""
    answer = {"jobId": str(job.id), "state": job.state, "stage": job.stage}
    return answer if job.error is None else {**answer, "error": job.error}
