"""Signing in with one click on the machine that `gnathos up` runs on."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from gnathos.api.job_body import read_json_object
from gnathos.api.local_access import CODE_S, is_from_own_page, is_from_this_machine
from gnathos.api.responses import problems
from gnathos.api.services import Engine, Services, base_url
from gnathos.api.token_routes import NO_STORE, TokenAnswer
from gnathos.errors import BodyNotJson, BodyTooLarge, LocalCodeInvalid, NotLocal, RequestInvalid
from gnathos.jobs.credentials import find_client

router = APIRouter(prefix="/local", tags=["Access"])


class LocalCode(BaseModel):
    """Whether one click is enough."""

    code: str | None = Field(description="To sign in with, once; null where credentials are needed.")
    expires_in: int = Field(description="Seconds.", examples=[60])


def allowed_here(request: Request, engine: Engine) -> bool:
    """Whether the request is from the machine it runs on, and `gnathos up` runs there."""
    return bool(engine.local_client) and is_from_this_machine(request)


AllowedHere = Annotated[bool, Depends(allowed_here)]


@router.get("/code", summary="Ask whether one click is enough", response_model=LocalCode, responses=problems())
async def ask_code(allowed: AllowedHere, engine: Engine) -> JSONResponse:
    """A code for `POST /local/token`; only under `gnathos up`, on its own machine."""
    code = engine.local_codes.issue() if allowed else None
    return JSONResponse({"code": code, "expires_in": int(CODE_S)}, headers=NO_STORE)


@router.post(
    "/token",
    summary="Get an access token on this machine",
    response_model=TokenAnswer,
    responses=problems(NotLocal, LocalCodeInvalid, BodyNotJson, BodyTooLarge, RequestInvalid),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}}}
                }
            },
        }
    },
)
async def issue_local_token(request: Request, allowed: AllowedHere, engine: Engine) -> JSONResponse:
    """A token of the engine's first client, for the page's own code."""
    if not allowed or not is_from_own_page(request):
        raise NotLocal
    code = (await read_json_object(request)).get("code")
    if not isinstance(code, str) or not engine.local_codes.redeem(code):
        raise LocalCodeInvalid
    token = await run_in_threadpool(_issue, engine, f"{base_url(request, engine.settings)}/")
    answer = {"access_token": token, "token_type": "Bearer", "expires_in": engine.tokens.lifetime_s}
    return JSONResponse(answer, headers=NO_STORE)


def _issue(engine: Services, issuer: str) -> str:
    with engine.database.transaction() as session:
        identity = find_client(session, engine.local_client)
    if identity is None:
        raise NotLocal
    return engine.tokens.issue(identity, issuer)
