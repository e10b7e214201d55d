"""How a check says that something is not as it should be."""

from collections.abc import Collection
from typing import Any

import httpx2

LONGEST_QUOTE = 300
"""Characters of an answer that are quoted."""

PROBLEM = "application/problem+json"

REFUSED = range(400, 500)
"""Statuses of a request that the server understood and will not do."""


class Broken(Exception):
    """The server does not do what is expected of it."""


class Undecided(Exception):
    """It cannot be told from here."""


def expect(answer: httpx2.Response, statuses: int | Collection[int], what: str = "the answer") -> httpx2.Response:
    """The answer, if its status is one of those.

    Raises:
        Broken: it is not.
    """
    wanted = [statuses] if isinstance(statuses, int) else statuses
    if answer.status_code not in wanted:
        expected = "a refusal (4xx)" if wanted == REFUSED else " or ".join(map(str, wanted))
        raise Broken(f"{what}: expected {expected}, got {answer.status_code}: {quote(answer)}")
    return answer


def require(holds: object, sentence: str) -> None:
    """Go on only if it holds.

    Raises:
        Broken: it does not.
    """
    if not holds:
        raise Broken(sentence)


def json_of(answer: httpx2.Response) -> Any:
    """The answer's JSON.

    Raises:
        Broken: it is none.
    """
    try:
        return answer.json()
    except ValueError:
        raise Broken(f"the answer is not JSON: {quote(answer)}") from None


def quote(answer: httpx2.Response) -> str:
    """What an answer says, shortened to a line: of a problem, its code and its sentence."""
    text = " ".join(answer.text.split())[:LONGEST_QUOTE] or "an empty body"
    if answer.headers.get("Content-Type", "") != PROBLEM:
        return text
    problem = answer.json()
    return f"{problem.get('code', 'no code')}: {problem.get('detail', text)}"
