"""Traces for OpenTelemetry, where its packages are installed (the extra `otel`) and it is told where to send them.

`OTEL_EXPORTER_OTLP_ENDPOINT` (or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`) says where; without it nothing is imported, and
a span costs one comparison. Attributes are ids of jobs, routes and seconds: nothing of patients, no URL of anybody's.
"""

import contextlib
import importlib
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gnathos import __version__

logger = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Traces:
    """Makes spans, once started."""

    def __init__(self) -> None:
        self._tracer: Any = None

    def start(self, role: str) -> None:
        """Send the spans of this process where the environment says."""
        if any(os.environ.get(name) for name in ENDPOINTS):
            try:
                exporter = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
                processors = importlib.import_module("opentelemetry.sdk.trace.export")
                self.start_with(role, processors.BatchSpanProcessor(exporter.OTLPSpanExporter()))
            except ImportError:
                logger.warning("no traces are sent: install gnathos[otel]")

    def start_with(self, role: str, processor: Any) -> None:
        """Give the spans of this process to a processor of OpenTelemetry's."""
        sdk = importlib.import_module("opentelemetry.sdk.trace")
        resource = importlib.import_module("opentelemetry.sdk.resources").Resource
        facts = {"service.name": f"gnathos-{role}", "service.version": __version__}
        provider = sdk.TracerProvider(resource=resource.create(facts))
        provider.add_span_processor(processor)
        self._tracer = provider.get_tracer("gnathos", __version__)

    @contextmanager
    def span(self, name: str, parent: Mapping[str, str] | None = None, **attributes: Any) -> Iterator["Span"]:
        """Something that takes time.

        Args:
            parent: headers of the request that caused it (`traceparent`).
            attributes: with dots for double underscores: `job__id` is `job.id`.
        """
        if self._tracer is None:
            yield Span(None)
            return
        context = importlib.import_module("opentelemetry.propagate").extract(parent) if parent else None
        named = {key.replace("__", "."): value for key, value in attributes.items()}
        with self._tracer.start_as_current_span(name, context=context, attributes=named) as span:
            yield Span(span)


class Span:
    """What can still be said of a span while it lasts."""

    def __init__(self, span: Any) -> None:
        self._span = span

    def rename(self, name: str) -> None:
        """Call it otherwise."""
        if self._span is not None:
            self._span.update_name(name)

    def note(self, **attributes: Any) -> None:
        """Add attributes, as in `Traces.span`; what cannot be one is left out."""
        if self._span is not None:
            for key, value in attributes.items():
                with contextlib.suppress(TypeError, ValueError):
                    self._span.set_attribute(key.replace("__", "."), value)


traces = Traces()
"""Of this process."""
