"""How the routes' errors are documented: one example for each code that a status may carry."""

from collections import defaultdict
from http import HTTPStatus
from typing import Any

from gnathos.api.problems import MEDIA_TYPE, Problem
from gnathos.errors import DatabaseUnavailable, GnathosError

Responses = dict[int | str, dict[str, Any]]


def problems(*errors: type[GnathosError]) -> Responses:
    """The `responses` of a route that may be refused for these reasons; that the database is away is added."""
    by_status: dict[int, list[type[GnathosError]]] = defaultdict(list)
    every: tuple[type[GnathosError], ...] = (*errors, GnathosError, DatabaseUnavailable)
    for error in every:
        by_status[error.kind.value].append(error)
    return {status: _response(status, found) for status, found in by_status.items()}


def _response(status: int, errors: list[type[GnathosError]]) -> dict[str, Any]:
    return {
        "model": Problem,
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"examples": {error.code: {"value": _example(error)} for error in errors}}},
    }


def _example(error: type[GnathosError]) -> dict[str, Any]:
    status = error.kind.value
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        **error().as_reason(),
        "requestId": "8f14e45fceea467a8a5f2f9e3a1c7d20",
    }
