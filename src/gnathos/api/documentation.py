"""The documentation page: the OpenAPI description as one HTML page, without scripts and without the internet."""

import html
import json
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1b2733}
h1,h2{line-height:1.2} h2{margin-top:2.5rem;border-bottom:1px solid #cdd6df;padding-bottom:.3rem}
code,pre{font:14px/1.45 ui-monospace,monospace;background:#f2f5f8;border-radius:4px} code{padding:.1em .3em}
pre{padding:.8rem;overflow:auto} details{margin:.5rem 0;border:1px solid #d9e0e7;border-radius:6px;padding:.4rem .8rem}
summary{cursor:pointer} .verb{font-weight:700;display:inline-block;min-width:4.2rem;color:#0b5c8a}
table{border-collapse:collapse;margin:.5rem 0} td,th{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top}
@media (prefers-color-scheme:dark){body{background:#12181f;color:#dfe7ee}code,pre{background:#1d2630}
h2,details{border-color:#33404d}.verb{color:#6cc0ef}}
"""


def install_documentation(app: FastAPI) -> None:
    """Serve the page at /docs."""

    @app.get("/docs", include_in_schema=False)
    def documentation() -> HTMLResponse:
        return HTMLResponse(render_page(app.openapi()), headers={"Content-Security-Policy": SECURITY_POLICY})


def render_page(schema: dict[str, Any]) -> str:
    """The whole page."""
    info = schema["info"]
    title = f"{info['title']} {info['version']}"
    body = [f"<h1>{_text(title)}</h1>", f"<pre>{_text(info['description'])}</pre>"]
    body.append(
        '<p><a href="/docs/guide">Guide</a>. The same for machines: <a href="/openapi.json">openapi.json</a></p>'
    )
    for tag, operations in _by_tag(schema).items():
        body.append(f"<h2>{_text(tag)}</h2>")
        body.extend(_operation(verb, path, operation) for verb, path, operation in operations)
    body.append("<h2>Schemas</h2>")
    body.extend(_schema(name, each) for name, each in sorted(schema["components"]["schemas"].items()))
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{_text(title)}</title>'
    return (
        f'<!doctype html><html lang="en"><head>{head}<style>{STYLE}</style></head><body>{"".join(body)}</body></html>'
    )


def _by_tag(schema: dict[str, Any]) -> dict[str, list[tuple[str, str, dict[str, Any]]]]:
    found: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, operations in schema["paths"].items():
        for verb, operation in operations.items():
            found.setdefault(operation.get("tags", ["Other"])[0], []).append((verb.upper(), path, operation))
    return found


def _operation(verb: str, path: str, operation: dict[str, Any]) -> str:
    parts = [f"<p>{_text(operation.get('description', ''))}</p>"]
    parts.append("<p>Needs a token.</p>" if operation["security"] else "<p>Needs no token.</p>")
    if operation.get("parameters"):
        parts.append("<h4>Parameters</h4>" + _table(map(_parameter, operation["parameters"])))
    if "requestBody" in operation:
        parts.append("<h4>Body</h4>" + "".join(map(_content, operation["requestBody"]["content"].items())))
    parts.append("<h4>Answers</h4>")
    parts.extend(_answer(status, answer) for status, answer in sorted(operation["responses"].items()))
    name = f'<span class="verb">{verb}</span> <code>{_text(path)}</code> {_text(operation.get("summary", ""))}'
    return f"<details><summary>{name}</summary>{''.join(parts)}</details>"


def _parameter(parameter: dict[str, Any]) -> tuple[str, ...]:
    need = "required" if parameter.get("required") else "optional"
    choices = ", ".join(parameter.get("schema", {}).get("enum", ()))
    note = " ".join(filter(None, [parameter.get("description", ""), choices and f"One of {choices}."]))
    return parameter["name"], f"in {parameter['in']}, {need}", note


def _answer(status: str, answer: dict[str, Any]) -> str:
    content = "".join(map(_content, answer.get("content", {}).items()))
    return (
        f"<details><summary><b>{_text(status)}</b> {_text(answer.get('description', ''))}</summary>{content}</details>"
    )


def _content(item: tuple[str, dict[str, Any]]) -> str:
    media_type, content = item
    parts = [f"<p><code>{_text(media_type)}</code> {_reference(content.get('schema', {}))}</p>"]
    parts.extend(_json(example["value"]) for example in content.get("examples", {}).values())
    return "".join(parts)


def _schema(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [
        (field, "required" if field in required else "optional", each.get("description", ""), _kind(each))
        for field, each in schema.get("properties", {}).items()
    ]
    examples = "".join(map(_json, schema.get("examples", ())))
    body = f"<p>{_text(schema.get('description', ''))}</p>{_table(rows)}{examples}"
    return f'<details id="{_text(name)}"><summary><code>{_text(name)}</code></summary>{body}</details>'


def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _reference(schema: dict[str, Any]) -> str:
    if "$ref" not in schema:
        return _json(schema) if schema else ""
    name = _text(schema["$ref"].rpartition("/")[2])
    return f'<a href="#{name}">{name}</a>'


def _table(rows: Any) -> str:
    cells = ("".join(f"<td>{_text(cell)}</td>" for cell in row) for row in rows)
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


def _json(value: object) -> str:
    return f"<pre>{_text(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def _text(text: object) -> str:
    return html.escape(str(text))
