"""Spans as this process exports them."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from servicekit.telemetry import traces
from servicekit.telemetry.export import provider_of


class Recorded:
    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    @property
    def spans(self) -> list[ReadableSpan]:
        """In the order of their ends."""
        return list(self._exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        [span] = self.named(name)
        return span


@contextmanager
def recording(ratio: float = 1.0) -> Iterator[Recorded]:
    """servicekit's own spans, as sampled and exported with OTEL_TRACES_SAMPLER_ARG=`ratio`."""
    exporter = InMemorySpanExporter()
    provider = provider_of(ratio, SimpleSpanProcessor(exporter))
    traces.record_with(provider.get_tracer("test"))
    try:
        yield Recorded(exporter)
    finally:
        traces.record_with(None)
        provider.shutdown()


def ids(span: ReadableSpan) -> tuple[int, int]:
    """Trace and span."""
    return span.context.trace_id, span.context.span_id


def links(span: ReadableSpan) -> set[tuple[int, int]]:
    return {(link.context.trace_id, link.context.span_id) for link in span.links}
