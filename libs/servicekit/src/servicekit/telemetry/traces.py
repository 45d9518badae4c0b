"""Trace context (W3C) and spans, on OpenTelemetry's API alone. Without an SDK (export.py) no span is recorded: a context is
passed on as it came, and a new one only gives the log lines of a request their id.

Attributes hold no text of an error, no header, no query and no body: any of them may quote a person or a secret.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    INVALID_SPAN_CONTEXT,
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    format_trace_id,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from servicekit.errors import Problem

__all__ = ["NO_CONTEXT", "Span", "SpanContext", "SpanKind"]

Attributes = Mapping[str, str | int | bool]
REVIEW = "minsu.review"
"""Set where an operator must look: such a span is exported whatever was sampled (export.py)."""
NO_CONTEXT = INVALID_SPAN_CONTEXT
_PROPAGATOR = TraceContextTextMapPropagator()
_NOWHERE = Context()
_WELL_FORMED = re.compile("00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


class TraceContext(NamedTuple):
    """A span's context as headers, events and rows hold it; empty where there is none."""

    traceparent: str = ""
    tracestate: str = ""

    @property
    def trace_id(self) -> str:
        """32 hex digits."""
        return self.traceparent[3:35]


class _Recording:
    tracer: Tracer | None = None


def record_with(tracer: Tracer | None) -> None:
    """From now on spans are recorded by `tracer`; by none, without one."""
    _Recording.tracer = tracer


def is_on() -> bool:
    return _Recording.tracer is not None


def parsed(traceparent: str | None, tracestate: str | None = None) -> SpanContext:
    """NO_CONTEXT for what is no traceparent."""
    if not traceparent:
        return NO_CONTEXT
    if not tracestate and (found := _WELL_FORMED.fullmatch(traceparent)):  # the propagator costs four times as much
        trace, span, flags = (int(each, 16) for each in found.groups())
        return SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(flags))
    carrier = {"traceparent": traceparent, "tracestate": tracestate} if tracestate else {"traceparent": traceparent}
    return get_current_span(_PROPAGATOR.extract(carrier, _NOWHERE)).get_span_context()


def written(context: SpanContext) -> TraceContext:
    """As it is kept; of a new trace where it is NO_CONTEXT."""
    context = context if context.is_valid else _fresh()
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, set_span_in_context(NonRecordingSpan(context), _NOWHERE))
    return TraceContext(**carrier)


def passed_on(traceparent: str | None, tracestate: str | None = None) -> TraceContext:
    """`written(parsed(…))` of what came with an event or a row, for the events and rows that follow from it. Reading it and
    writing it again costs more than such an event."""
    if traceparent and not tracestate and _WELL_FORMED.fullmatch(traceparent):
        return TraceContext(traceparent)
    return written(parsed(traceparent, tracestate))


def current() -> TraceContext:
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return TraceContext(**carrier)


def current_context() -> SpanContext:
    return get_current_span().get_span_context()


def current_id() -> str:
    """The current trace's id, 32 hex digits; empty outside of one."""
    context = get_current_span().get_span_context()
    return format_trace_id(context.trace_id) if context.is_valid else ""


def inject(headers: dict[str, str]) -> None:
    """Add the current context to the headers of a call."""
    _PROPAGATOR.inject(headers)


def begin(
    name: str,
    parent: SpanContext,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    links: Sequence[SpanContext] = (),
    attributes: Attributes | None = None,
) -> Span:
    """A span below `parent`, or of a new trace where that is invalid. The caller must end it."""
    if _Recording.tracer is None:
        return NonRecordingSpan(parent if parent.is_valid else _fresh())
    return _Recording.tracer.start_span(
        name,
        set_span_in_context(NonRecordingSpan(parent), _NOWHERE) if parent.is_valid else _NOWHERE,
        kind,
        attributes,
        [Link(each) for each in links if each.is_valid],
    )


def enter(span: Span) -> None:
    """Make it current until the task ends, or another is: also for what is logged and rendered after its end."""
    otel_context.attach(set_span_in_context(span))


@contextmanager
def using(span: Span) -> Iterator[Span]:
    """Make it current for the block, which ends it. An error that leaves the block fails it."""
    token = otel_context.attach(set_span_in_context(span))
    try:
        yield span
    except BaseException as error:
        fail(span, error)
        raise
    finally:
        otel_context.detach(token)
        span.end()


@contextmanager
def span(name: str, *, kind: SpanKind = SpanKind.INTERNAL, attributes: Attributes | None = None) -> Iterator[Span]:
    """A step of the current trace. Does nothing where spans are not recorded."""
    if _Recording.tracer is None:
        yield INVALID_SPAN
        return
    with using(begin(name, current_context(), kind=kind, attributes=attributes)) as opened:
        yield opened


@contextmanager
def batch(
    name: str,
    contexts: Sequence[SpanContext],
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes | None = None,
) -> Iterator[Span]:
    """One span of work on what came in several traces: in a trace of its own with a link to each, or, for one alone, a step
    of its trace."""
    alone = contexts[0] if len(contexts) == 1 else NO_CONTEXT
    links = () if alone.is_valid else contexts
    with using(begin(name, alone, kind=kind, links=links, attributes=attributes)) as opened:
        yield opened


@contextmanager
def resumed(name: str, earlier: SpanContext, *, attributes: Attributes | None = None) -> Iterator[SpanContext]:
    """A step of a trace that began in another request, linked to the current one; of the current trace where `earlier` is
    NO_CONTEXT. Yields the context that what follows has as its parent. Where spans are not recorded that is `earlier`, and
    log lines keep the id of their request."""
    here = current_context()
    if _Recording.tracer is None:
        yield earlier if earlier.is_valid else here
        return
    parent, links = (earlier, [here]) if earlier.is_valid else (here, [])
    with using(begin(name, parent, links=links, attributes=attributes)) as opened:
        yield opened.get_span_context()


def note(**numbers: str | None) -> None:
    """Write business numbers into the current span: `note(order_sn=…)` becomes `minsu.order_sn`."""
    if (opened := get_current_span()).is_recording():
        opened.set_attributes({f"minsu.{name}": value for name, value in numbers.items() if value})


def review(reason: str) -> None:
    """An operator must look at what the current span is about."""
    get_current_span().set_attribute(REVIEW, reason)


def fail_current(error: BaseException | str) -> None:
    fail(get_current_span(), error)


def fail(span: Span, error: BaseException | str) -> None:
    """Mark a span as failed, by the kind of its error alone. A refusal (a Problem below 500) is no failure."""
    if isinstance(error, Problem) and error.status < 500:
        return
    if span.is_recording():
        span.set_attribute("error.type", error if isinstance(error, str) else type(error).__qualname__)
        span.set_status(StatusCode.ERROR)


def _fresh() -> SpanContext:
    """A trace of our own that no one samples."""
    return SpanContext(random.getrandbits(128) or 1, random.getrandbits(64) or 1, is_remote=False)
