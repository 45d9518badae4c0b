"""Spans of calls by aiohttp: OpenTelemetry's own hooks, named and cut so that they say no more than where a call went."""

import aiohttp
from yarl import URL

from servicekit.telemetry import traces


def trace_configs() -> list[aiohttp.TraceConfig]:
    """For a ClientSession; none where spans are not recorded. URLs are exported without their query, in which WeChat has
    tokens and codes."""
    if not traces.is_on():
        return []
    from opentelemetry.instrumentation import _semconv  # noqa: PLC0415 - the instrumentation is only there for the SDK
    from opentelemetry.instrumentation.aiohttp_client import create_trace_config  # noqa: PLC0415 - the same

    return [
        create_trace_config(
            url_filter=_without_query,
            request_hook=_name,
            sem_conv_opt_in_mode=_semconv._StabilityMode.HTTP,  # noqa: SLF001 - else only an environment variable sets it
        )
    ]


def _without_query(url: URL) -> str:
    return str(url.with_query(None).with_user(None))


def _name(span: traces.Span, call: aiohttp.TraceRequestStartParams) -> None:
    """Paths of our own services are templates; of all others they may hold numbers."""
    if app_id := call.headers.get("dapr-app-id"):
        span.update_name(f"{call.method} {call.url.path}")
        span.set_attribute("peer.service", app_id)
