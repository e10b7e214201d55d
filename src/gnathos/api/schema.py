"""The OpenAPI description: what FastAPI finds, completed with what it cannot see."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from gnathos import __version__
from gnathos.api.examples import add_examples
from gnathos.api.job_body import JobBody
from gnathos.api.webhook_routes import TestCallBody

DESCRIPTION = """\
A CBCT in, the patient's jaws as meshes out.

1. `POST /oauth/token` with your client's id and secret: a token for 24 hours.
2. `POST /{version}/job`: which files come, which are wanted.
3. `PUT` the scan to the upload URL of the answer, then `PUT` its notification URL.
4. `GET /{version}/pollJobResults?jobId=…` until it answers 200.
5. `GET` each output's `url`.

Errors are `application/problem+json` with a stable `code`, a sentence, and what to do.
Signed URLs need no token, and expire.
"""

REFERENCE = "#/components/schemas/{model}"

OPEN_TAGS = {"Access", "Catalogue", "Files", "Health"}
"""Routes that need no token."""

SECURITY_SCHEMES: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "clientCredentials": {
        "type": "oauth2",
        "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {}}},
    },
}


def install_schema(app: FastAPI) -> None:
    """Let the application describe itself completely."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


def _describe(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(title="Gnathos", version=__version__, summary=None, description=DESCRIPTION, routes=app.routes)
    components = schema.setdefault("components", {})
    components.setdefault("schemas", {}).update(_body_schemas())
    components["securitySchemes"] = SECURITY_SCHEMES
    for path in schema["paths"].values():
        for operation in path.values():
            _complete(operation)
    add_examples(schema)
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    return schema


def _body_schemas() -> dict[str, Any]:
    _, definitions = models_json_schema([(JobBody, "validation"), (TestCallBody, "validation")], ref_template=REFERENCE)
    found: dict[str, Any] = definitions["$defs"]
    return found


def _complete(operation: dict[str, Any]) -> None:
    """Say who may call it, and that what FastAPI would call 422 is our 400."""
    is_open = set(operation.get("tags", ())) & OPEN_TAGS
    operation["security"] = [] if is_open else [{"bearer": []}, {"clientCredentials": []}]
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422", "")):
        del responses["422"]
    for response in responses.values():
        _use_problem_type(response)


def _use_problem_type(response: dict[str, Any]) -> None:
    """FastAPI puts a model's schema under application/json; ours goes with the problems' own type."""
    content = response.get("content", {})
    if "application/problem+json" in content and "application/json" in content:
        content["application/problem+json"].update(content.pop("application/json"))
