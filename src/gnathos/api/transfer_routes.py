"""Uploads and downloads through signed URLs: no token, no account, whatever the store."""

import re
import uuid

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from gnathos.answers.links import file_name
from gnathos.api.problems import problem_response
from gnathos.api.responses import problems
from gnathos.api.services import Engine, Services
from gnathos.api.upload_place import (
    BINARY,
    SIGNATURE,
    SIGNED,
    UPLOAD_BODY,
    UPLOAD_PATH,
    SignedPlace,
    part_headers,
    received,
)
from gnathos.api.versions import Version
from gnathos.errors import (
    DigestMismatch,
    RangeNotSatisfiable,
    UnknownFile,
    UploadClosed,
    UploadIncomplete,
    UploadMissing,
    UploadTooLarge,
)
from gnathos.jobs.parts import offset_of
from gnathos.jobs.results import find_output
from gnathos.jobs.tables import Output
from gnathos.jobs.uploads import find_input
from gnathos.storage.digests import digests_in
from gnathos.storage.signing import DOWNLOAD_METHODS

router = APIRouter(tags=["Files"])

MEDIA_TYPES = {".stl": "model/stl"}

ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")

_RANGE = {"name": "Range", "in": "header", "schema": {"type": "string"}, "description": "One range of bytes."}
_DOWNLOADED = {"description": "The file", "content": {"model/stl": BINARY, "application/octet-stream": BINARY}}


@router.put(
    UPLOAD_PATH,
    summary="Upload an input",
    response_class=Response,
    responses={
        200: {"description": "The file is stored, whole"},
        **problems(*SIGNED, UploadTooLarge, UploadIncomplete, UploadClosed, DigestMismatch),
    },
    openapi_extra={**SIGNATURE, **UPLOAD_BODY},
)
async def upload(request: Request, place: SignedPlace) -> Response:
    """Send the file as the body, with any Content-Type or none. May be repeated until it is notified.

    A digest that is sent with it (`Content-Digest`, `Repr-Digest` or `Content-MD5`) is compared with what comes.
    """
    with place.counted():
        await run_in_threadpool(place.check_open)
        _check_length(request, place.limit_bytes)
        expected = digests_in(request.headers, "Content-Digest", "Repr-Digest", "Content-MD5")
        store = place.engine.store
        stored = await store.write(place.new_object_key(), received(request), place.limit_bytes, expected)
        await run_in_threadpool(place.record, stored)
    return Response(headers={"ETag": f'"{stored.sha256}"'})


@router.head(
    UPLOAD_PATH,
    summary="Ask what has been uploaded",
    response_class=Response,
    responses={
        200: {"description": "Size and hash of the file"},
        204: {"description": "A part has come: `Upload-Offset` bytes"},
        **problems(*SIGNED),
    },
    openapi_extra=SIGNATURE,
)
def uploaded(request: Request, place: SignedPlace) -> Response:
    """Content-Length and ETag (SHA-256) of the file that is there; of one that comes in parts, how much has come."""
    with place.engine.database.transaction() as session:
        found = find_input(place.tenant_id, session, *place.input)
        offset = offset_of(place.tenant_id, session, *place.input)
    limit = {"Upload-Limit": f"max-size={place.limit_bytes}"}
    if offset:
        return Response(status_code=204, headers={**limit, **part_headers(offset, is_whole=False)})
    if found.object_key is None:
        missing = UnknownFile("Nothing has been uploaded yet.", remedy=UploadMissing.remedy)
        return problem_response(request, missing, {**limit, **part_headers(0, is_whole=False)})
    size = str(found.size_bytes)
    headers = {**limit, **part_headers(found.size_bytes or 0, is_whole=True)}
    return Response(headers={**headers, "Content-Length": size, "ETag": f'"{found.sha256}"'})


@router.get(
    "/{version}/downloads/{tenant_id}/{output_id}/{name}",
    summary="Download an output",
    response_class=Response,
    responses={
        200: _DOWNLOADED,
        206: {**_DOWNLOADED, "description": "The range that was asked for"},
        304: {"description": "Not changed"},
        **problems(*SIGNED, RangeNotSatisfiable),
    },
    openapi_extra={"parameters": [*SIGNATURE["parameters"], _RANGE]},
)
@router.head(
    "/{version}/downloads/{tenant_id}/{output_id}/{name}",
    summary="Ask for an output's size",
    response_class=Response,
    responses={200: {"description": "Size and hash of the file"}, **problems(*SIGNED, RangeNotSatisfiable)},
    openapi_extra=SIGNATURE,
)
def download(
    request: Request,
    version: Version,  # noqa: ARG001 - checked by its type
    tenant_id: uuid.UUID,
    output_id: uuid.UUID,
    name: str,  # noqa: ARG001 - signed with the path
    engine: Engine,
) -> Response:
    """The file, or one range of it."""
    engine.signer.check(DOWNLOAD_METHODS, request.url.path, request.query_params)
    with engine.database.transaction() as session:
        output = find_output(tenant_id, session, output_id)
    headers = _file_headers(output)
    if request.headers.get("if-none-match") in {headers["ETag"], "*"}:
        return Response(status_code=304, headers=headers)
    return _file_response(request, engine, output, headers)


def _file_response(request: Request, engine: Services, output: Output, headers: dict[str, str]) -> Response:
    size_bytes = output.size_bytes or 0
    try:
        is_same = request.headers.get("if-range") in {None, headers["ETag"]}
        wanted = wanted_range(request.headers.get("range", "") if is_same else "", size_bytes)
    except RangeNotSatisfiable as error:
        return problem_response(request, error, {"Content-Range": f"bytes */{size_bytes}"})
    start, stop = wanted or (0, size_bytes)
    headers = {**headers, "Content-Length": str(stop - start)}
    if wanted:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size_bytes}"
    status = 206 if wanted else 200
    if request.method == "HEAD" or output.object_key is None:
        return Response(status_code=status, headers=headers)
    return StreamingResponse(engine.store.read(output.object_key, start, stop), status, headers)


def wanted_range(header: str, size_bytes: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None where the whole file is wanted.

    Several ranges, or what is not a range of bytes, get the whole file, as RFC 9110 allows.

    Raises:
        RangeNotSatisfiable: the file does not reach that far.
    """
    found = ONE_RANGE.fullmatch(header.strip())
    if not found or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        start, stop = max(size_bytes - int(last), 0), size_bytes
    else:
        start, stop = int(first), min(int(last) + 1, size_bytes) if last else size_bytes
    if last and first and int(last) < int(first):
        return None
    if start >= stop:
        raise RangeNotSatisfiable(f"The file has {size_bytes} bytes.")
    return start, stop


def _file_headers(output: Output) -> dict[str, str]:
    return {
        "ETag": f'"{output.sha256}"',
        "Accept-Ranges": "bytes",
        "Content-Type": MEDIA_TYPES.get(output.extension, "application/octet-stream"),
        "Content-Disposition": f'attachment; filename="{file_name(output)}"',
        "Cache-Control": "private, no-store",
    }


def _check_length(request: Request, limit_bytes: int) -> None:
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit_bytes:
        raise UploadTooLarge(f"The upload has {length} bytes; {limit_bytes} are allowed.")
