"""The SDK: which spans are recorded, and where they go. Imported only where OTEL_EXPORTER_OTLP_ENDPOINT is set
(docs/decisions/0027)."""

import os
from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import Attributes

from servicekit.telemetry import traces

MAX_LINKS = 2048
"""More than come together: a page of the relay is 500 events, and eight deliveries of 200 may be handled as one. The SDK
keeps 128 of a span by itself, and the other traces would end before it."""


def start(service: str) -> TracerProvider:
    """Record spans from now on and send them to OTEL_EXPORTER_OTLP_ENDPOINT (OTLP over HTTP). `service` is the app-id.

    The environment's other names are OpenTelemetry's own; OTEL_TRACES_SAMPLER_ARG (0 … 1, default 1) is the share of the
    traces that begin here.
    """
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")
    ratio = float(os.environ.get("OTEL_TRACES_SAMPLER_ARG") or 1)
    resource = Resource.create({SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME", service)})
    provider = provider_of(ratio, BatchSpanProcessor(OTLPSpanExporter()), resource)
    trace.set_tracer_provider(provider)
    AsyncPGInstrumentor().instrument(tracer_provider=provider)  # type: ignore[no-untyped-call]  # the library's
    traces.record_with(provider.get_tracer("servicekit"))
    return provider


def provider_of(ratio: float, exporting: SpanProcessor, resource: Resource | None = None) -> TracerProvider:
    """Samples a share of `ratio` of the traces that begin here, and gives to `exporting` what is kept."""
    limits = SpanLimits(max_links=MAX_LINKS)
    provider = TracerProvider(sampler=KeepFailures(ratio), resource=resource, span_limits=limits)
    provider.add_span_processor(Exporting(exporting))
    return provider


class KeepFailures(Sampler):
    """Parent-based: a share of the traces that begin here, and what the caller or an event of a batch decided. What is not
    sampled is recorded all the same, calls to others excepted: how it ends is not known yet (`Exporting`)."""

    def __init__(self, ratio: float) -> None:
        self._ratio = TraceIdRatioBased(ratio)

    def should_sample(  # noqa: PLR0917 - the interface's
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,  # noqa: ARG002 - the interface's; the parent's counts
    ) -> SamplingResult:
        parent = trace.get_current_span(parent_context).get_span_context()
        if parent.is_valid:
            sampled = parent.trace_flags.sampled
        elif kind is SpanKind.CLIENT:  # a background loop's look at the database is no trace
            sampled = False
        elif links and kind is not SpanKind.SERVER:  # a server's link is a stranger's
            sampled = any(link.context.trace_flags.sampled for link in links)
        else:
            ours = self._ratio.should_sample(parent_context, trace_id, name)
            sampled = ours.decision is Decision.RECORD_AND_SAMPLE
        unsampled = Decision.DROP if kind is SpanKind.CLIENT else Decision.RECORD_ONLY
        decision = Decision.RECORD_AND_SAMPLE if sampled else unsampled
        return SamplingResult(decision, attributes, parent.trace_state)

    def get_description(self) -> str:
        return f"KeepFailures({self._ratio.get_description()})"


class Exporting(SpanProcessor):
    """Hands on what was sampled, and of all else the failures and what is for review. Nothing that an exception says goes
    along: instrumentations write its text, which may quote a row."""

    def __init__(self, following: SpanProcessor) -> None:
        self._following = following

    def on_end(self, span: ReadableSpan) -> None:
        context = span.get_span_context()
        if context is None:
            return
        sampled = context.trace_flags.sampled
        failed = span.status.status_code is StatusCode.ERROR
        if not (sampled or failed or traces.REVIEW in (span.attributes or {})):
            return
        self._following.on_end(_without_texts(span, context) if failed or span.events or not sampled else span)

    def shutdown(self) -> None:
        self._following.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._following.force_flush(timeout_millis)


def _without_texts(span: ReadableSpan, context: SpanContext) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=SpanContext(
            context.trace_id,
            context.span_id,
            is_remote=False,
            trace_flags=TraceFlags(context.trace_flags | TraceFlags.SAMPLED),
            trace_state=context.trace_state,
        ),
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
