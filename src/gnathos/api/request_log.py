"""One line a request: its id, route, status and time. Never a query: signed URLs are secrets."""

import logging
import re
import time
import uuid

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gnathos.api.metrics import RequestMetrics
from gnathos.api.problems import problem_response
from gnathos.errors import GnathosError
from gnathos.traces import traces

logger = logging.getLogger("gnathos.requests")

ACCEPTED_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
"""On every answer: a page that is opened from us must not pass a signed URL on."""

QUIET = ("/health/", "/metrics")
"""Asked every few seconds by programs."""


class RequestLog:
    """Gives each request an id, logs and counts it, and answers what nothing else has caught."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, _request_id(scope))
        scope["request_id"] = answer.request_id
        with traces.span("request", _trace_parent(scope), http__request__method=scope["method"]) as span:
            await self._answer(scope, receive, answer)
            route = _route(scope)
            span.rename(f"{scope['method']} {route}")
            span.note(http__route=route, http__response__status_code=answer.status, request__id=answer.request_id)

    async def _answer(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        began = time.perf_counter()
        try:
            await self._app(scope, receive, answer.send)
        except Exception:
            logger.exception("request %s broke", answer.request_id)
            if answer.status == 0:
                await problem_response(Request(scope), GnathosError())(scope, receive, answer.send)
        finally:
            self._note(scope, answer, time.perf_counter() - began)

    def _note(self, scope: Scope, answer: "_Answer", seconds: float) -> None:
        route = _route(scope)
        self._metrics.count(scope["method"], route, answer.status, seconds)
        level = logging.DEBUG if route.startswith(QUIET) else logging.INFO
        fields = (scope["method"], route, answer.status, 1000 * seconds, answer.request_id)
        logger.log(level, "%s %s %d %.1fms %s", *fields)


class _Answer:
    def __init__(self, send: Send, request_id: str) -> None:
        self.request_id = request_id
        self.status = 0
        self._send = send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", []), (b"x-request-id", self.request_id.encode()), *HEADERS]
            message = {**message, "headers": headers}
        await self._send(message)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        text: str = value.decode("latin-1")
        if name == b"x-request-id" and ACCEPTED_REQUEST_ID.fullmatch(text):
            return text
    return uuid.uuid4().hex


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "(no route)"))


def _trace_parent(scope: Scope) -> dict[str, str]:
    return {
        name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"
    }
