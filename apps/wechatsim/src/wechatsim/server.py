"""Runs the sandbox under uvicorn with httptools: h11, uvicorn's other parser, costs more than a message's own work."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from functools import lru_cache
from typing import Any, Self

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from wechatsim import origin_form
from wechatsim.app import create_app
from wechatsim.sim import Settings

_STOP_S = 10
# Longer than the `Keep-Alive: timeout=8` of responses, so that clients do not reuse a closed connection.
_KEEP_ALIVE_S = 10


class HeaderName(bytes):
    """A name that keeps its case: uvicorn sends `name.lower()`."""

    __slots__ = ()

    def lower(self) -> Self:
        return self


class WireProtocol(HttpToolsProtocol):
    """One connection: targets in absolute form are reduced to their path, and header names leave in the case that they were
    given, but for Content-Length, which uvicorn has to know by name."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.app = _exact_names(self.app)

    def on_headers_complete(self) -> None:
        self.url = origin_form.of(self.url)
        super().on_headers_complete()


def _exact_names(app: ASGIApp) -> Any:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        async def exactly(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [(_name(name), value) for name, value in message["headers"]]
            await send(message)

        await app(scope, receive, exactly)

    return serve


@lru_cache(maxsize=128)
def _name(name: bytes) -> bytes:
    return b"content-length" if name.lower() == b"content-length" else HeaderName(name)


class JsonLines(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "ts": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up_logging(style: str, level: str) -> None:
    """Log to stderr as `style` (text or json) from `level` up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonLines() if style == "json" else logging.Formatter("%(asctime)s %(levelname)-7s %(name)s  %(message)s")
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)


def config(settings: Settings, host: str, port: int) -> uvicorn.Config:
    """uvicorn's configuration; WeChat's Server header depends on it."""
    return uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        http=WireProtocol,
        ws="none",
        server_header=False,
        date_header=False,
        proxy_headers=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_STOP_S,
    )
