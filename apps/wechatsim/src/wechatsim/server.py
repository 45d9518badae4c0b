"""Runs the sandbox under uvicorn with h11, its only parser that keeps the case of header names."""

from __future__ import annotations

import json
import logging
import sys

import uvicorn

from wechatsim.app import create_app
from wechatsim.sim import Settings

_STOP_S = 10
# Longer than the `Keep-Alive: timeout=8` of responses, so that clients do not reuse a closed connection.
_KEEP_ALIVE_S = 10


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
    """uvicorn's configuration; the case of header names and WeChat's Server header depend on it."""
    return uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        http="h11",
        ws="none",
        server_header=False,
        date_header=False,
        proxy_headers=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_STOP_S,
    )
