"""Structured logs, each line with its trace id."""

import io
import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.types import EventDict, WrappedLogger

from servicekit.openids import shorten_openids
from servicekit.telemetry import traces

_SECRETS = re.compile(
    r"authorization|token|password|secret|apiv3|private|session_key|signature|openid|checkin_code",
    re.IGNORECASE,
)


def configure_logging(service: str, *, log_format: str, level: str) -> None:
    """JSON lines for machines, aligned text for people; both to standard output, secrets masked by name, openids shortened
    wherever they are quoted: WeChat's refusals name them."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a line may quote what UTF-8 cannot encode
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_trace_id,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    if log_format == "json":
        renderers: list[structlog.types.Processor] = [structlog.processors.JSONRenderer(ensure_ascii=False)]
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
    if trace_id := traces.current_id():
        event["trace_id"] = trace_id
    return event


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Masks members whose name is that of a secret, and shortens openids in all others, at any depth."""
    return _members(event)


def _members(members: Mapping[Any, Any]) -> dict[Any, Any]:
    return {name: "***" if _SECRETS.search(str(name)) else _shortened(value) for name, value in members.items()}


def _shortened(value: Any) -> Any:
    if isinstance(value, str):
        return shorten_openids(value)
    if isinstance(value, Mapping):
        return _members(value)
    if isinstance(value, list | tuple):
        return [_shortened(each) for each in value]
    return value
