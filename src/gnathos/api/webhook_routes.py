"""Webhooks: the keys that sign, the messages that were sent, a test call."""

import json
import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gnathos.api.callers import Caller
from gnathos.api.job_body import read_json_object
from gnathos.api.job_routes import ACCESS
from gnathos.api.responses import problems
from gnathos.api.services import Engine, Services
from gnathos.api.versions import Version
from gnathos.errors import (
    BodyNotJson,
    BodyTooLarge,
    DeliveryPending,
    RequestInvalid,
    UnknownDelivery,
    UrlRefused,
)
from gnathos.jobs.audit import record
from gnathos.jobs.credentials import Identity
from gnathos.jobs.tables import WebhookDelivery, WebhookSecret
from gnathos.jobs.webhooks import (
    KEEP_OLD_HOURS,
    active_secrets,
    list_deliveries,
    rotate_secret,
    send_again,
    written,
)
from gnathos.transfers.webhooks import send_message

router = APIRouter(tags=["Webhooks"])

MAX_URL = 8000
MOST_DELIVERIES = 500
LONGEST_OVERLAP_HOURS = 24 * 30
NO_STORE = {"Cache-Control": "no-store"}

KeepOld = Annotated[
    int,
    Query(alias="keepOldHours", ge=0, le=LONGEST_OVERLAP_HOURS, description="How long the key before signs too."),
]
States = Annotated[list[Literal["pending", "delivered", "dead"]] | None, Query(alias="state")]
Limit = Annotated[int, Query(ge=1, le=MOST_DELIVERIES)]


class WebhookKey(BaseModel):
    """A key that signs messages."""

    secret: str = Field(description="As libraries for Standard Webhooks take it.", examples=["whsec_MfKQ9r8GKYqr"])
    createdAt: str  # noqa: N815 - the contract's style
    expiresAt: str | None = Field(description="Null for the newest.")  # noqa: N815 - the contract's style


class WebhookKeys(BaseModel):
    """The keys that sign at present, the newest first; a message carries a signature of each."""

    keys: list[WebhookKey]


class Delivery(BaseModel):
    """A message to a webhook."""

    id: str = Field(description="Its `webhook-id`, the same on every try.", examples=["msg_2f0e"])
    jobId: str | None  # noqa: N815 - contract
    url: str = Field(description="Without its query, which may hold a secret.")
    state: str = Field(description="`pending`, `delivered` or `dead`.", examples=["dead"])
    tries: int
    lastStatus: int | None = Field(description="HTTP status of the last answer.")  # noqa: N815
    lastError: str | None  # noqa: N815 - the contract's style
    createdAt: str  # noqa: N815 - the contract's style
    nextTryAt: str | None  # noqa: N815 - the contract's style
    endedAt: str | None  # noqa: N815 - the contract's style


class Deliveries(BaseModel):
    """Messages, the newest first."""

    deliveries: list[Delivery]


class TestCallBody(BaseModel):
    """Where to send a test call."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=MAX_URL, examples=["https://example.org/my-webhook"])


class TestCall(BaseModel):
    """How the test call went."""

    delivered: bool
    status: int | None = Field(description="What the receiver answered.")
    error: str | None


@router.get(
    "/{version}/webhooks/keys",
    summary="The keys that sign messages",
    response_model=WebhookKeys,
    responses=problems(*ACCESS),
)
def keys(
    version: Version,  # noqa: ARG001 - checked by its type
    caller: Caller,
    engine: Engine,
) -> JSONResponse:
    """Made at the first call."""
    with engine.database.transaction() as session:
        return _keys(active_secrets(caller.tenant_id, session))


@router.post(
    "/{version}/webhooks/keys/rotate",
    summary="Make a new key",
    response_model=WebhookKeys,
    responses=problems(*ACCESS, RequestInvalid),
)
def rotate(
    version: Version,  # noqa: ARG001 - checked by its type
    caller: Caller,
    engine: Engine,
    keep_old_hours: KeepOld = KEEP_OLD_HOURS,
) -> JSONResponse:
    """Messages are signed with the new key and the one before, until that expires."""
    with engine.database.transaction() as session:
        record(caller.tenant_id, session, caller.client_id, "webhook_key.rotated", keepOldHours=keep_old_hours)
        return _keys(rotate_secret(caller.tenant_id, session, keep_old_hours))


@router.get(
    "/{version}/webhooks/deliveries",
    summary="List messages",
    response_model=Deliveries,
    responses=problems(*ACCESS, RequestInvalid),
)
def deliveries(
    version: Version,  # noqa: ARG001 - checked by its type
    caller: Caller,
    engine: Engine,
    state: States = None,
    limit: Limit = 100,
) -> JSONResponse:
    """`dead` ones were tried for a day and given up; they can be sent again."""
    with engine.database.transaction() as session:
        found = list_deliveries(caller.tenant_id, session, state or (), limit)
        return JSONResponse({"deliveries": [_delivery(each) for each in found]}, headers=NO_STORE)


@router.post(
    "/{version}/webhooks/deliveries/{delivery_id}/resend",
    summary="Send a message again",
    response_model=Delivery,
    responses=problems(*ACCESS, RequestInvalid, UnknownDelivery, DeliveryPending),
)
def resend(
    version: Version,  # noqa: ARG001 - checked by its type
    delivery_id: str,
    caller: Caller,
    engine: Engine,
) -> JSONResponse:
    """At once, and for another day if need be, under the same id; with fresh URLs."""
    if "\0" in delivery_id:
        raise UnknownDelivery
    with engine.database.transaction() as session:
        return JSONResponse(_delivery(send_again(caller.tenant_id, session, delivery_id)), headers=NO_STORE)


@router.post(
    "/{version}/webhooks/test",
    summary="Try a webhook",
    response_model=TestCall,
    responses=problems(*ACCESS, BodyNotJson, BodyTooLarge, RequestInvalid, UrlRefused),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/TestCallBody"}}},
        }
    },
)
async def test_call(
    request: Request,
    version: Version,  # noqa: ARG001 - checked by its type
    caller: Caller,
    engine: Engine,
) -> JSONResponse:
    """Send one signed message now, with `"test": true`, and tell how it went."""
    url = _read_test_call(await read_json_object(request)).url
    engine.guard.check(url)
    secrets = await run_in_threadpool(_secrets, caller, engine)
    body = json.dumps(_test_message(engine)).encode()
    sent = await send_message(engine.client, url, f"msg_{uuid.uuid4().hex}", body, secrets)
    answer = {"delivered": sent.error is None, "status": sent.status, "error": sent.error}
    return JSONResponse(answer, headers=NO_STORE)


def _read_test_call(raw: dict[str, Any]) -> TestCallBody:
    try:
        return TestCallBody.model_validate(raw)
    except ValidationError:
        raise RequestInvalid("The body must be an object with a `url`, and nothing else.") from None


def _secrets(caller: Identity, engine: Services) -> list[bytes]:
    with engine.database.transaction() as session:
        return [each.secret for each in active_secrets(caller.tenant_id, session)]


def _test_message(engine: Services) -> dict[str, Any]:
    return {
        "test": True,
        "success": True,
        "outputFiles": {"meshes": []},
        "jobId": str(uuid.UUID(int=0)),
        "state": "succeeded",
        "warnings": [],
        "region": engine.settings.region,
    }


def _keys(found: list[WebhookSecret]) -> JSONResponse:
    listed = [
        {
            "secret": written(each.secret),
            "createdAt": each.created_at.isoformat(),
            "expiresAt": _time(each.expires_at),
        }
        for each in found
    ]
    return JSONResponse({"keys": listed}, headers=NO_STORE)


def _delivery(found: WebhookDelivery) -> dict[str, Any]:
    return {
        "id": found.id,
        "jobId": str(found.job_id) if found.job_id else None,
        "url": found.url.partition("?")[0],
        "state": found.state,
        "tries": found.tries,
        "lastStatus": found.last_status,
        "lastError": found.last_error,
        "createdAt": _time(found.created_at),
        "nextTryAt": _time(found.next_try_at),
        "endedAt": _time(found.ended_at),
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
