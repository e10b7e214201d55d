"""Errors as answers: `application/problem+json` (RFC 9457) with a stable code and what the caller can do."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from gnathos.api.versions import LOOKS_LIKE_A_VERSION, VERSIONS, unknown_version
from gnathos.errors import (
    GnathosError,
    Kind,
    MethodNotAllowed,
    QuotaReached,
    RequestInvalid,
    UnknownRoute,
    UploadIncomplete,
)

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

RETRY_AFTER_S = 3
"""Told where the same call may go through later."""


class Finding(BaseModel):
    """One thing that is wrong with a request."""

    pointer: str = Field(description="Where in the body, as a JSON pointer, or the name of the parameter.")
    detail: str = Field(description="What is wrong there.")


class Problem(BaseModel):
    """Why a request was refused."""

    type: str = Field("about:blank", description="Always `about:blank`; `code` tells problems apart.")
    code: str = Field(description="Stable name of the problem.", examples=["unknown_structure"])
    title: str = Field(description="The HTTP status in words.", examples=["Bad Request"])
    status: int = Field(description="The HTTP status.", examples=[400])
    detail: str = Field(description="What is wrong, in one sentence.")
    remedy: str = Field(description="What the caller can do.")
    requestId: str = Field(description="Names this request in the engine's log.")  # noqa: N815 - the contract's style
    errors: list[Finding] | None = Field(None, description="Where the body is wrong, when that is known.")


def install_problems(app: FastAPI) -> None:
    """Answer every error of the application as a problem."""
    app.add_exception_handler(GnathosError, _answer_own)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(ClientDisconnect, _answer_disconnect)


def problem_response(request: Request, error: GnathosError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer for an error."""
    status = error.kind.value
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        **error.as_reason(),
        "requestId": request.scope.get("request_id", ""),
    }
    if isinstance(error, RequestInvalid) and error.errors:
        content["errors"] = list(error.errors)
    return JSONResponse(content, status, {**_headers(error), **(headers or {})}, media_type=MEDIA_TYPE)


def _headers(error: GnathosError) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if error.kind is Kind.UNAUTHENTICATED:
        known = error.code != "token_missing"
        headers["WWW-Authenticate"] = 'Bearer realm="gnathos"' + (', error="invalid_token"' if known else "")
    if error.kind in {Kind.UNAVAILABLE, Kind.TOO_MANY}:
        headers["Retry-After"] = str(error.retry_after_s if isinstance(error, QuotaReached) else RETRY_AFTER_S)
    return headers


async def _answer_own(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, GnathosError)  # noqa: S101 - registered for nothing else
    if error.kind in {Kind.INTERNAL, Kind.UNAVAILABLE}:
        logger.warning("%s: %s", error.code, error.__cause__ or error.detail)
    return problem_response(request, error)


async def _answer_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return problem_response(request, MethodNotAllowed(), error.headers)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return problem_response(request, _not_found(request))
    return problem_response(request, RequestInvalid(str(error.detail)), error.headers)


def _not_found(request: Request) -> GnathosError:
    first = request.url.path.split("/")[1]
    if LOOKS_LIKE_A_VERSION.fullmatch(first) and first not in VERSIONS:
        return unknown_version(first)
    return UnknownRoute()


async def _answer_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for nothing else
    found = tuple(
        {"pointer": str(each["loc"][-1]), "detail": f"The parameter `{each['loc'][-1]}` is missing or not valid."}
        for each in error.errors()
    )
    return problem_response(request, RequestInvalid(found[0]["detail"] if found else None, errors=found))


async def _answer_disconnect(request: Request, _error: Exception) -> JSONResponse:
    return problem_response(request, UploadIncomplete())
