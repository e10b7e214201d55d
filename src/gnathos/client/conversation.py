"""What the client says and hears, apart from how the bytes move.

A conversation is a generator: it yields the next step (a request, a pause, some work) and is sent what came of it. It
knows nothing of sockets and threads, so that one text of each call serves both the blocking and the asynchronous
client; those only carry out the steps (`drivers.py`).
"""

import email.utils
import json
import random
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from gnathos.client.jobs import OnBytes
from gnathos.errors import EngineNotReachable, EngineRefused

ATTEMPTS = 6
RETRIED_STATUSES = {429, 502, 503, 504}
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 30.0
LEAST_ERROR = 400


@dataclass(frozen=True)
class Request:
    """One HTTP request."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    source: Path | None = None
    """File to send as the body, a piece at a time."""
    source_offset: int = 0
    """Where in it the body begins."""
    target: Path | None = None
    """File that the body of a good answer goes to, a piece at a time."""
    progress: OnBytes | None = None


@dataclass(frozen=True)
class Pause:
    """Nothing for a while."""

    seconds: float


@dataclass(frozen=True)
class Work:
    """Something that keeps this machine busy, without talking to anyone."""

    do: Callable[[], None]


@dataclass(frozen=True)
class Answer:
    """What came back; the content is empty where it went to a file."""

    status: int
    reason: str
    headers: Mapping[str, str]
    """Names in lower case."""
    content: bytes

    def json(self) -> Any:
        """The content as JSON.

        Raises:
            EngineRefused: it is not.
        """
        try:
            return json.loads(self.content)
        except ValueError:
            raise EngineRefused("The answer is not JSON: is this the URL of an engine?", status=self.status) from None


class ConnectionLost(Exception):
    """Thrown into a conversation instead of an answer."""


Step = Request | Pause | Work
T = TypeVar("T")
Conversation = Generator[Step, Any, T]


def ask(request: Request, attempts: int = ATTEMPTS) -> Conversation[Answer]:
    """Ask, and ask again at growing intervals when the connection is lost or the engine wants patience.

    Raises:
        EngineRefused: the answer is an error; it says which.
        EngineNotReachable: no answer, also after trying again.
    """
    answer = yield from hear(request, attempts)
    if answer.status >= LEAST_ERROR:
        raise refusal(answer)
    return answer


def hear(request: Request, attempts: int = ATTEMPTS) -> Conversation[Answer]:
    """The answer, good or not; a submission or a transfer may be repeated as often as anything else.

    Raises:
        EngineNotReachable: no answer, also after trying again.
    """
    for attempt in range(1, attempts + 1):
        pause_s = _pause_s(attempt)
        try:
            answer: Answer = yield request
        except ConnectionLost as lost:
            if attempt == attempts:
                raise EngineNotReachable(f"The engine cannot be reached: {lost}.") from lost
        else:
            if attempt == attempts or answer.status not in RETRIED_STATUSES:
                return answer
            pause_s = retry_after_s(answer, pause_s)
        yield Pause(pause_s)
    raise EngineNotReachable


def _pause_s(attempt: int) -> float:
    """0.25, 0.5, 1, 2 … seconds, up to a quarter less, so that many clients do not come back together."""
    longest_s: float = min(FIRST_PAUSE_S * 2 ** (attempt - 1), LONGEST_PAUSE_S)
    return longest_s * random.uniform(0.75, 1.0)  # noqa: S311 - no secret


def retry_after_s(answer: Answer, default_s: float) -> float:
    """The pause that the engine asks for: seconds or a date."""
    wanted = answer.headers.get("retry-after", "")
    if wanted.isdigit():
        return min(float(wanted), LONGEST_PAUSE_S)
    try:
        moment = email.utils.parsedate_to_datetime(wanted)
    except ValueError:
        return default_s
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_PAUSE_S)


def refusal(answer: Answer) -> EngineRefused:
    """The error that an answer tells, in the engine's own sentence and with its remedy, where it gave them."""
    try:
        problem = json.loads(answer.content)
    except ValueError:
        problem = {}
    problem = problem if isinstance(problem, dict) else {}
    sentence = problem.get("detail") or problem.get("error_description") or answer.reason
    code = problem.get("code") or problem.get("error") or "no code"
    detail = f"The engine answered {answer.status} ({code}): {sentence}"
    return EngineRefused(detail, remedy=problem.get("remedy"), status=answer.status, reason=code)
