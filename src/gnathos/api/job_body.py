"""The body of a job: its schema, and its reading with errors that say where and what."""

import difflib
import json
import math
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gnathos.anatomy import Family, input_extension
from gnathos.api.output_bodies import (
    MeshBody,
    OutputFilesBody,
    SegmentationBody,
    SummaryBody,
    VolumeBody,
    new_outputs,
    output_checks,
)
from gnathos.errors import (
    BodyNotJson,
    BodyTooLarge,
    GnathosError,
    RequestInvalid,
)
from gnathos.jobs.submission import NewInput, NewJob
from gnathos.pipeline.options import mesh_options
from gnathos.transfers.guard import UrlGuard

MAX_BODY_BYTES = 1_000_000
"""A job's description is some hundred bytes; what is larger is a mistake."""

MAX_TEXT = 1000
"""Characters of an id, a URL or a name."""

EXAMPLE: dict[str, Any] = {
    "inputFiles": {"cbct": {"extension": ".dcm"}},
    "outputFiles": {"meshes": [{"extension": ".stl", "structures": ["mandible"]}]},
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class InputFileBody(_Part):
    """One file to be sent."""

    extension: str | None = Field(
        None,
        max_length=40,
        description="Its format: .dcm, .zip, .nii, .nrrd, .vti, .mha for a volume; .stl, .ply, .obj, .zip for others; "
        "each also .gz; dot and case do not matter.",
        examples=[".dcm"],
    )
    downloadUrl: str | None = Field(  # noqa: N815 - the contract's name
        None, max_length=8000, description="Where the engine fetches it; empty: it is uploaded."
    )
    jobId: uuid.UUID | None = Field(  # noqa: N815 - the contract's style
        None, description="In place of all else: an earlier job, whose input of this key is taken again."
    )


class InputFilesBody(_Part):
    """The files to be sent, by what they are."""

    cbct: InputFileBody | None = Field(None, description="A cone-beam CT, or a CT of the head.")
    ios_upper: InputFileBody | None = Field(None, description="Upper intra-oral scan: a mesh in millimetres.")
    ios_lower: InputFileBody | None = Field(None, description="Lower intra-oral scan: a mesh in millimetres.")
    facial: InputFileBody | None = Field(None, description="Facial scan: a mesh in millimetres.")


class JobBody(_Part):
    """What to do with which files."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    inputFiles: InputFilesBody  # noqa: N815 - the contract's name
    outputFiles: OutputFilesBody  # noqa: N815 - the contract's name
    options: dict[str, Any] | None = Field(None, description="Settings of the meshes, by family of structures.")
    finishWebhook: str | None = Field(  # noqa: N815 - the contract's name
        None,
        max_length=8000,
        description="Gets a signed POST with the body of a poll when the job has ended.",
    )
    externalJobId: str | None = Field(  # noqa: N815 - the contract's name
        None,
        min_length=1,
        max_length=MAX_TEXT,
        json_schema_extra={"deprecated": True},
        description="The caller's own id, unique per tenant.",
    )
    cloudPackage: str | None = Field(None, max_length=MAX_TEXT)  # noqa: N815 - the contract's name
    endUserId: str | None = Field(None, max_length=MAX_TEXT)  # noqa: N815 - the contract's name


@dataclass(frozen=True)
class Fault:
    """Something in the body that is refused."""

    pointer: str
    error: GnathosError


class InvalidJob(RequestInvalid):
    """The job cannot be accepted."""

    def __init__(self, faults: list[Fault]) -> None:
        errors = tuple({"pointer": fault.pointer, "detail": fault.error.detail} for fault in faults)
        self.first = faults[0].error
        self.is_of_one_kind = len({fault.error.code for fault in faults}) == 1
        super().__init__(self.first.detail, remedy=self.first.advice, errors=errors)

    def as_reason(self) -> dict[str, str]:
        """The code of the faults where they are all of one kind."""
        return {**super().as_reason(), "code": self.first.code if self.is_of_one_kind else self.code}


async def read_json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object, whatever its Content-Type.

    Raises:
        BodyTooLarge, BodyNotJson, RequestInvalid: it is not one.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge(f"The body is larger than {MAX_BODY_BYTES} bytes.")
    return parse_json_object(bytes(body))


def parse_json_object(body: bytes) -> dict[str, Any]:
    """Parse strictly: what is accepted can be stored and sent as JSON again.

    Raises:
        BodyNotJson: it is not JSON.
        RequestInvalid: it is, but not an object.
    """
    try:
        parsed = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant, parse_float=_finite)
        _check_text(parsed)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise BodyNotJson(f"The body is not JSON: {error.msg.lower()} at {place}.") from None
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else _reason(error)
        raise BodyNotJson(f"The body is not JSON that can be read: {reason}.") from None
    if not isinstance(parsed, dict):
        raise RequestInvalid("The body must be a JSON object.")
    return parsed


def parse_job(raw: dict[str, Any], client_id: str, version: str, guard: UrlGuard) -> NewJob:
    """Check a body against the contract.

    Raises:
        InvalidJob: it does not fit; says where.
    """
    try:
        body = JobBody.model_validate(raw)
    except ValidationError as error:
        raise InvalidJob([_fault_from_schema(found) for found in error.errors()]) from None
    faults = [*_faults(body, guard), *_option_faults(body, version)]
    if faults:
        raise InvalidJob(faults)
    return NewJob(
        client_id=client_id,
        version=version,
        request=raw,
        inputs=tuple(
            NewInput(key, _extension(key, each), each.downloadUrl or None, each.jobId)
            for key, each in _given_inputs(body)
        ),
        outputs=new_outputs(body.outputFiles),
        options=body.options or {},
        external_job_id=body.externalJobId,
        cloud_package=body.cloudPackage,
        end_user_id=body.endUserId,
        finish_webhook=body.finishWebhook or None,
    )


def _faults(body: JobBody, guard: UrlGuard) -> Iterator[Fault]:
    if body.finishWebhook:
        yield from _fault_of("#/finishWebhook", partial(guard.check, body.finishWebhook))
    inputs = dict(_given_inputs(body))
    if not inputs:
        yield Fault("#/inputFiles", RequestInvalid("There is no input file.", remedy="Name one, such as `cbct`."))
    for key, given in inputs.items():
        yield from _input_faults(f"#/inputFiles/{key}", key, given, guard)
    for pointer, check in output_checks(body.outputFiles, guard):
        yield from _fault_of(pointer, check)


def _option_faults(body: JobBody, version: str) -> Iterator[Fault]:
    for family in Family:
        yield from _fault_of("#/options", partial(mesh_options, body.options or {}, family, version))


def _input_faults(pointer: str, key: str, given: InputFileBody, guard: UrlGuard) -> Iterator[Fault]:
    if given.downloadUrl:
        yield from _fault_of(f"{pointer}/downloadUrl", partial(guard.check, given.downloadUrl))
        if given.jobId is not None:
            yield from _fault_of(f"{pointer}/jobId", _refuse_both_sources)
    yield from _fault_of(f"{pointer}/extension", partial(_extension, key, given))


def _extension(key: str, given: InputFileBody) -> str:
    """Normalised; empty where it is that of an earlier job."""
    if given.jobId is not None:
        return ""
    if given.extension is None:
        raise RequestInvalid("`extension` is missing.")
    return input_extension(key, given.extension)


def _refuse_both_sources() -> None:
    raise RequestInvalid("`jobId` and `downloadUrl` cannot both be given.", remedy="Leave one of them out.")


def _fault_of(pointer: str, check: Callable[[], object]) -> Iterator[Fault]:
    try:
        check()
    except GnathosError as error:
        yield Fault(pointer, error)


def _given_inputs(body: JobBody) -> Iterator[tuple[str, InputFileBody]]:
    for key in InputFilesBody.model_fields:
        given = getattr(body.inputFiles, key)
        if given is not None:
            yield key, given


def _fault_from_schema(found: Mapping[str, Any]) -> Fault:
    *above, last = found["loc"] or ("",)
    pointer = "#" + "".join(f"/{_escape(part)}" for part in found["loc"])
    if found["type"] == "missing":
        return Fault(pointer, RequestInvalid(f"`{last}` is missing."))
    if found["type"] == "extra_forbidden":
        return Fault(pointer, RequestInvalid(f"`{str(last)[:80]}` is not known here.{_suggestion(str(last))}"))
    message = str(found["msg"])
    where = f"`{last}`" if above or last else "The body"
    return Fault(pointer, RequestInvalid(f"{where}: {message[:1].lower()}{message[1:]}."))


def _suggestion(name: str) -> str:
    outputs = (MeshBody, SegmentationBody, SummaryBody, VolumeBody)
    models = (JobBody, InputFilesBody, InputFileBody, OutputFilesBody, *outputs)
    known = {field for model in models for field in model.model_fields}
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" Did you mean `{nearest[0]}`?" if nearest else ""


def _escape(part: object) -> str:
    return str(part)[:80].replace("~", "~0").replace("/", "~1")


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _check_text(value: object) -> None:
    """Refuse what no database takes: the character zero, and halves of characters."""
    text = json.dumps(value, ensure_ascii=False)
    if "\\u0000" in text:
        raise ValueError("it contains the character zero")
    text.encode()


def _reason(error: ValueError) -> str:
    if isinstance(error, UnicodeError):
        return "it is not UTF-8"
    return "a number is too long" if "digits" in str(error) else str(error)
