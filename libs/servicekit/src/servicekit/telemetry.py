"""Structured logs with their trace id, and the propagated trace context (W3C trace-context §3.2)."""

import io
import logging
import re
import secrets
import sys
from contextvars import ContextVar

import structlog
from structlog.types import EventDict, WrappedLogger

_TRACEPARENT = re.compile(r"^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$")
_current: ContextVar[str] = ContextVar("traceparent", default="")
_SECRETS = re.compile(
    r"authorization|token|password|secret|apiv3|private|session_key|signature|openid|checkin_code",
    re.IGNORECASE,
)


def continued(traceparent: str | None) -> str:
    """The trace context of what follows from `traceparent`: the same trace, or a new one where it is none."""
    fresh = secrets.token_hex(24)
    if traceparent and (matched := _TRACEPARENT.match(traceparent)):
        return f"00-{matched[1]}-{fresh[32:]}-{matched[3]}"
    return f"00-{fresh[:32]}-{fresh[32:]}-00"


def continue_trace(traceparent: str | None) -> str:
    """Adopt the caller's trace, or begin one; returns the trace id (32 hex)."""
    following = continued(traceparent)
    _current.set(following)
    return following[3:35]


def current_traceparent() -> str:
    return _current.get()


def current_trace_id() -> str:
    return _current.get()[3:35]


def configure_logging(service: str, *, log_format: str, level: str) -> None:
    """JSON lines for machines, aligned text for people; both to standard output, secrets masked by name."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a line may quote what UTF-8 cannot encode
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_trace_id,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _redact,
    ]
    if log_format == "json":
        renderers: list[structlog.types.Processor] = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    else:
        # The default, where rich is installed, prints the frames' variables: keys, tokens and openids among them.
        plain = structlog.dev.plain_traceback
        renderers = [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=plain)]
    structlog.configure(
        processors=[*shared, *renderers],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(service=service)


def _add_trace_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if trace_id := current_trace_id():
        event["trace_id"] = trace_id
    return event


def _redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name in event:
        if _SECRETS.search(name):
            event[name] = "***"
    return event
