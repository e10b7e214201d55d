"""HTTP to an engine: tokens that renew themselves, and another try where that can help."""

import email.utils
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2

from gnathos.errors import EngineNotReachable, EngineRefused

TIMEOUT_S = httpx2.Timeout(connect=10, read=60, write=60, pool=60)
ATTEMPTS = 6
RETRIED_STATUSES = {429, 502, 503, 504}
LONGEST_PAUSE_S = 30.0
RENEW_BEFORE_S = 60
"""A token that ends so soon is not used for another call."""

Call = Callable[[], httpx2.Response]


class Transport:
    """Calls with a bearer token."""

    def __init__(self, url: str, client_id: str, client_secret: str, audience: str) -> None:
        self.url = url.rstrip("/")
        self.http = httpx2.Client(timeout=TIMEOUT_S)
        self._grant = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            "audience": audience,
        }
        self._token = ""
        self._token_ends_at = 0.0

    def call(self, method: str, url: str, **given: Any) -> httpx2.Response:
        """Call with the token; with a new one if the engine no longer takes it.

        Raises:
            EngineRefused: the answer is an error; says which.
            EngineNotReachable: no answer, also after trying again.
        """
        headers = given.pop("headers", {})
        answer = self._send_with_token(method, url, headers, given)
        if answer.status_code == httpx2.codes.UNAUTHORIZED:
            self._token_ends_at = 0.0
            answer = self._send_with_token(method, url, headers, given)
        return raise_for_refusal(answer)

    def _send_with_token(
        self, method: str, url: str, headers: Mapping[str, str], given: Mapping[str, Any]
    ) -> httpx2.Response:
        all_headers = {**headers, "Authorization": f"Bearer {self.token()}"}
        return with_retries(lambda: self.http.request(method, url, headers=all_headers, **given))

    def token(self) -> str:
        """A token that is good for a while: the last one, or a new one."""
        if time.monotonic() > self._token_ends_at - RENEW_BEFORE_S:
            answer = with_retries(lambda: self.http.post(f"{self.url}/oauth/token", json=self._grant))
            content = raise_for_refusal(answer).json()
            self._token = content["access_token"]
            self._token_ends_at = time.monotonic() + float(content.get("expires_in", RENEW_BEFORE_S * 2))
        return self._token


def with_retries(call: Call, attempts: int = ATTEMPTS) -> httpx2.Response:
    """Call again, at growing intervals, when the connection is lost or the engine asks for patience."""
    for attempt in range(attempts):
        is_last = attempt == attempts - 1
        pause_s = min(0.25 * 2**attempt, LONGEST_PAUSE_S)
        try:
            answer = call()
        except httpx2.TransportError as error:
            if is_last:
                raise EngineNotReachable(f"The engine cannot be reached: {error or type(error).__name__}.") from error
        else:
            if is_last or answer.status_code not in RETRIED_STATUSES:
                return answer
            pause_s = retry_after_s(answer, pause_s)
        time.sleep(pause_s)
    raise EngineNotReachable


def retry_after_s(answer: httpx2.Response, default_s: float) -> float:
    """The pause that the engine asks for: seconds or a date."""
    wanted = answer.headers.get("Retry-After", "")
    if wanted.isdigit():
        return min(float(wanted), LONGEST_PAUSE_S)
    try:
        moment = email.utils.parsedate_to_datetime(wanted)
    except ValueError:
        return default_s
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_PAUSE_S)


def raise_for_refusal(answer: httpx2.Response) -> httpx2.Response:
    """Return the answer, unless it is an error.

    Raises:
        EngineRefused: with the engine's own sentence and remedy, where it gave them.
    """
    if answer.is_success:
        return answer
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    problem = problem if isinstance(problem, dict) else {}
    sentence = problem.get("detail") or problem.get("error_description") or answer.reason_phrase
    code = problem.get("code") or problem.get("error") or "no code"
    raise EngineRefused(f"The engine answered {answer.status_code} ({code}): {sentence}", remedy=problem.get("remedy"))
