"""Access tokens by client credentials, and how to check them."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from gnathos.api.job_body import MAX_BODY_BYTES, parse_json_object
from gnathos.api.services import Engine, Services, base_url
from gnathos.api.tokens import ALGORITHM
from gnathos.errors import GnathosError
from gnathos.jobs.credentials import check_secret

router = APIRouter(tags=["Access"])

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}

GRANT_TYPE = "client_credentials"


class TokenAnswer(BaseModel):
    """An access token."""

    access_token: str
    token_type: str = Field(examples=["Bearer"])
    expires_in: int = Field(description="Seconds.", examples=[86400])


class TokenError(BaseModel):
    """Why there is no token (RFC 6749, 5.2)."""

    error: str = Field(examples=["invalid_client"])
    error_description: str


@dataclass(frozen=True)
class Refusal(Exception):
    """An error as OAuth writes it."""

    error: str
    description: str
    status: int = 400
    by_basic: bool = False


@dataclass(frozen=True)
class Grant:
    """What a client asks for."""

    client_id: str
    client_secret: str
    by_basic: bool


_FIELDS = {
    "grant_type": {"type": "string", "enum": [GRANT_TYPE]},
    "audience": {"type": "string", "description": "Defaults to the engine's."},
    "client_id": {"type": "string"},
    "client_secret": {"type": "string"},
}
_SCHEMA = {"schema": {"type": "object", "required": ["grant_type"], "properties": _FIELDS}}


@router.post(
    "/oauth/token",
    summary="Get an access token",
    response_model=TokenAnswer,
    responses={400: {"model": TokenError}, 401: {"model": TokenError}, 413: {"model": TokenError}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": _SCHEMA, "application/x-www-form-urlencoded": _SCHEMA},
        }
    },
)
async def issue_token(request: Request, engine: Engine) -> JSONResponse:
    """Exchange `client_id` and `client_secret` (in a JSON body, a form, or HTTP Basic) for a token."""
    try:
        grant = _read_grant(request, await _read_fields(request), engine.settings.audience)
        token = await run_in_threadpool(_issue, grant, engine, f"{base_url(request, engine.settings)}/")
    except Refusal as refusal:
        return _refuse(refusal)
    answer = {"access_token": token, "token_type": "Bearer", "expires_in": engine.tokens.lifetime_s}
    return JSONResponse(answer, headers=NO_STORE)


@router.get("/.well-known/jwks.json", summary="Keys that tokens are signed with")
def keys(engine: Engine) -> dict[str, Any]:
    """The public keys (RFC 7517)."""
    return engine.tokens.public_keys()


@router.get("/.well-known/openid-configuration", summary="Discovery (OpenID Connect)")
@router.get("/.well-known/oauth-authorization-server", summary="Discovery (OAuth, RFC 8414)")
def discovery(request: Request, engine: Engine) -> dict[str, Any]:
    """Where what is."""
    base = base_url(request, engine.settings)
    return {
        "issuer": f"{base}/",
        "token_endpoint": f"{base}/oauth/token",
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "grant_types_supported": [GRANT_TYPE],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "service_documentation": f"{base}/docs",
        "region": engine.settings.region,
        "audience": engine.settings.audience,
    }


async def _read_fields(request: Request) -> Mapping[str, Any]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Refusal("invalid_request", "The body is too large.", 413)
    if not body.lstrip().startswith(b"{"):
        return dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True))
    try:
        return parse_json_object(bytes(body))
    except GnathosError as error:
        raise Refusal("invalid_request", error.detail) from None


def _read_grant(request: Request, fields: Mapping[str, Any], audience: str) -> Grant:
    grant_type = fields.get("grant_type")
    if not grant_type:
        raise Refusal("invalid_request", "`grant_type` is missing; send client_credentials.")
    if grant_type != GRANT_TYPE:
        raise Refusal("unsupported_grant_type", "Only client_credentials is supported.")
    if fields.get("audience") not in (None, "", audience):
        raise Refusal("invalid_target", f"The audience of this engine is {audience}.")
    basic = _basic_credentials(request.headers.get("authorization", ""))
    client_id, client_secret = basic or (fields.get("client_id"), fields.get("client_secret"))
    if not isinstance(client_id, str) or not isinstance(client_secret, str):
        raise Refusal("invalid_request", "`client_id` and `client_secret` must be sent, in the body or as HTTP Basic.")
    return Grant(client_id, client_secret, basic is not None)


def _basic_credentials(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, client_secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = ""
    if not colon:
        raise Refusal("invalid_client", "The Basic credentials cannot be read.", 401, by_basic=True)
    return unquote_plus(client_id), unquote_plus(client_secret)


def _issue(grant: Grant, engine: Services, issuer: str) -> str:
    with engine.database.transaction() as session:
        identity = None if "\0" in grant.client_id else check_secret(session, grant.client_id, grant.client_secret)
    if identity is None:
        raise Refusal("invalid_client", "The client is not known or its secret is wrong.", 401, grant.by_basic)
    return engine.tokens.issue(identity, issuer)


def _refuse(refusal: Refusal) -> JSONResponse:
    headers = {**NO_STORE, **({"WWW-Authenticate": 'Basic realm="gnathos"'} if refusal.by_basic else {})}
    content = {"error": refusal.error, "error_description": refusal.description}
    return JSONResponse(content, refusal.status, headers)
