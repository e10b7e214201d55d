import json
import logging
import re
import subprocess
import sys
import uuid
from dataclasses import replace
from html.parser import HTMLParser

import jsonschema_rs
import psycopg
import pytest

from gnathos.jobs.heartbeats import beat, sign_off

PROBLEM = {"type", "code", "title", "status", "detail", "remedy", "requestId"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "unknown_route"),
        ("GET", "/24.06/nothing", 404, "unknown_route"),
        ("GET", "/24.06/job/", 404, "unknown_route"),
        ("GET", "/../etc/passwd", 404, "unknown_route"),
        ("GET", "/%00", 404, "unknown_route"),
        ("DELETE", "/24.06/job", 405, "method_not_allowed"),
        ("GET", "/oauth/token", 405, "method_not_allowed"),
        ("GET", "/30.01/x", 404, "unknown_version"),
    ],
)
def test_errors_of_routing_are_problems(api, method: str, path: str, status: int, code: str) -> None:
    answer = api.call(method, path)

    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == PROBLEM
    assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (status, status, code)
    if status == 405:
        assert answer.headers["allow"]


def test_what_breaks_inside_stays_inside(api, monkeypatch, caplog) -> None:
    def break_down() -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(api.app.state.services.tokens, "public_keys", break_down)

    answer = api.call("GET", "/.well-known/jwks.json")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret detail" not in answer.text
    assert "secret detail" in caplog.text
    assert answer.json()["requestId"] in caplog.text


def test_a_request_has_an_id(api) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", api.call("GET", "/health/live").headers["x-request-id"])
    assert api.call("GET", "/health/live", headers={"X-Request-Id": "mine-1"}).headers["x-request-id"] == "mine-1"
    forged = api.call("GET", "/health/live", headers={"X-Request-Id": "a b\tc"})
    assert re.fullmatch(r"[0-9a-f]{32}", forged.headers["x-request-id"])


def test_the_log_has_routes_but_no_queries(api, bearer, caplog) -> None:
    caplog.set_level(logging.INFO, "gnathos")

    api.call("GET", "/24.06/pollJobResults?jobId=secret", headers=bearer)

    (line,) = [record.getMessage() for record in caplog.records if "pollJobResults" in record.getMessage()]
    assert re.fullmatch(r"GET /\{version\}/pollJobResults 404 [\d.]+ms [0-9a-f]{32}", line)


def test_readiness(api) -> None:
    worker_id = uuid.uuid4()
    answer = api.call("GET", "/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "not ready", "missing": ["worker"]})
    with api.database.transaction() as session:
        beat(session, worker_id, "host", "1")
    assert api.call("GET", "/health/ready").json() == {"status": "ready", "missing": []}
    with api.database.transaction() as session:
        sign_off(session, worker_id)
    assert api.call("GET", "/health/ready").status_code == 503
    assert api.call("GET", "/health/live").json() == {"status": "live", "missing": []}


def test_no_database(start_api, settings, postgres) -> None:
    api = start_api(replace(settings, database_url=postgres.create_database()))
    bearer = {"Authorization": f"Bearer {api.token()}"}
    services = api.app.state.services
    services.database.engine.dispose()
    monkey = services.database.engine.url.set(port=9)
    services.database.engine.pool._creator = _refuse(monkey)

    answer = api.call("GET", "/24.06/pollJobResults?jobId=x", headers=bearer)
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert answer.headers["retry-after"] == "3"
    assert api.call("GET", "/health/ready").json()["missing"] == ["database", "worker"]


def _refuse(url):
    def connect(*_: object) -> None:
        psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False), connect_timeout=1)

    return connect


def test_the_schema_is_valid_and_complete(api) -> None:
    schema = api.call("GET", "/openapi.json").json()

    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(schema)))
    assert references <= set(schema["components"]["schemas"])
    assert {"JobBody", "Problem", "Finished", "Processing", "Submitted"} <= references
    jsonschema_rs.validator_for({**schema["components"]["schemas"]["JobBody"], "components": schema["components"]})
    documented = set(schema["paths"])
    served = {route.path for route in api.app.routes if getattr(route, "include_in_schema", False)}
    assert served <= documented
    for path, operations in schema["paths"].items():
        for verb, operation in operations.items():
            assert operation["summary"], (verb, path)
            assert operation["responses"], (verb, path)
            assert "422" not in operation["responses"] or "problem+json" in str(operation["responses"]["422"])
            if operation["tags"] == ["Jobs"]:
                assert operation["security"] == [{"bearer": []}, {"clientCredentials": []}]
                assert {"401", "404", "500", "503"} <= set(operation["responses"])


def test_examples_of_problems_are_problems(api) -> None:
    schema = api.call("GET", "/openapi.json").json()
    validator = jsonschema_rs.validator_for(
        {"$ref": "#/components/schemas/Problem", "components": schema["components"]}
    )
    examples = 0
    for operations in schema["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                content = response.get("content", {}).get("application/problem+json", {})
                for code, example in content.get("examples", {}).items():
                    assert example["value"]["code"] == code
                    validator.validate(example["value"])
                    examples += 1
    assert examples > 50


def test_every_body_has_an_example_and_every_parameter_a_meaning(api) -> None:
    schema = api.call("GET", "/openapi.json").json()
    examples = 0
    for path, operations in schema["paths"].items():
        for verb, operation in operations.items():
            for body in (operation.get("requestBody", {}), *operation["responses"].values()):
                content = body.get("content", {}).get("application/json")
                if content:
                    validator = jsonschema_rs.validator_for({**content["schema"], "components": schema["components"]})
                    validator.validate(content["examples"]["usual"]["value"])
                    examples += 1
            assert all(parameter["description"] for parameter in operation.get("parameters", ())), (verb, path)
    assert examples > 25


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_documentation_needs_nothing_from_elsewhere(api) -> None:
    answer = api.call("GET", "/docs")

    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    tags = Tags()
    tags.feed(answer.text)
    assert not {"script", "img", "link", "iframe"} & {tag for tag, _ in tags.found}
    links = [attributes["href"] or "" for tag, attributes in tags.found if tag == "a"]
    names = {attributes.get("id") for _, attributes in tags.found}
    assert all(link in {"/openapi.json", "/docs/guide"} or link.removeprefix("#") in names for link in links)
    for path in api.app.openapi()["paths"]:
        assert path in answer.text


def test_the_api_does_not_load_the_network(tmp_path) -> None:
    check = (
        "import sys, gnathos.api.app; print(sorted({'numpy', 'onnxruntime', 'scipy', 'pydicom'} & set(sys.modules)))"
    )

    found = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
