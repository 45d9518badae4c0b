"""Responses with exact header names, and the headers of v3 (wechat-pay-v3.md §1.2).

Starlette lower-cases header names; one official SDK looks them up case-sensitively. So these responses have a raw
header list of their own, and server.py keeps uvicorn from lower-casing it.
"""

from __future__ import annotations

import json
import secrets
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Headers = list[tuple[str, str]]


class WireResponse(Response):
    """A response whose header names keep their case."""

    def __init__(self, status: int, headers: Headers, body: bytes, *, content_length: int | None = None) -> None:
        """`content_length` overrides Content-Length: a larger one makes the server break the connection in the body."""
        self.status_code = status
        self.body = body
        self.background = None
        self.raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        if status != HTTPStatus.NO_CONTENT:
            length = len(body) if content_length is None else content_length
            self.raw_headers.append((b"Content-Length", str(length).encode()))

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


def dumps(content: Any) -> bytes:
    """Compact JSON in UTF-8, members in the order given."""
    # An error may quote a lone surrogate of the request (\ud800), which UTF-8 cannot encode.
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def request_id(number: int | None = 0) -> str:
    """A Request-ID; its suffix is the error's number, 0 for success, none when WeChat publishes no number."""
    return f"08{secrets.token_hex(16).upper()}" + ("" if number is None else f"-{number}")


def base_headers(number: int | None = 0) -> Headers:
    """The headers of every v3 response besides its signature."""
    return [
        ("Server", "nginx"),
        ("Date", formatdate(usegmt=True)),
        ("Keep-Alive", "timeout=8"),
        ("Cache-Control", "no-cache, must-revalidate"),
        ("X-Content-Type-Options", "nosniff"),
        ("Request-ID", request_id(number)),
        ("Content-Language", "zh-CN"),
    ]


def empty(status: int) -> WireResponse:
    """404 for an unknown path, 405 for a wrong method: an empty body, unsigned (wechat-pay-v3.md §1.2)."""
    return WireResponse(status, [("Server", "nginx"), ("Date", formatdate(usegmt=True))], b"")
