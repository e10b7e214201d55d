"""Requests as spans of OpenTelemetry, with its own packages."""

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from gnathos.traces import Traces, traces

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT = {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"}


@pytest.fixture
def exporter(monkeypatch):
    """Spans of this process, kept in memory."""
    found = InMemorySpanExporter()
    started = Traces()
    started.start_with("api", SimpleSpanProcessor(found))
    monkeypatch.setattr(traces, "_tracer", started._tracer)
    return found


def test_a_request_is_a_span_of_its_callers_trace_without_its_query(api, bearer, exporter) -> None:
    secret = {"jobId": "a-secret-of-the-caller"}
    answer = api.call("GET", "/26.11/pollJobResults", params=secret, headers={**bearer, **PARENT})

    (span,) = exporter.get_finished_spans()
    assert span.name == "GET /{version}/pollJobResults"
    assert format(span.context.trace_id, "032x") == TRACE_ID
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "http.route": "/{version}/pollJobResults",
        "http.response.status_code": 404,
        "request.id": answer.headers["x-request-id"],
    }
    assert span.resource.attributes["service.name"] == "gnathos-api"


def test_nothing_is_imported_where_nobody_asked_for_traces() -> None:
    code = (
        "import sys; from gnathos.traces import traces; traces.start('api')\n"
        "with traces.span('attempt', job__id='1') as span: span.note(seconds=1)\n"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
