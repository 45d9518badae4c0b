"""Requests in absolute form, as a proxy receives them: `GET http://api.mch.weixin.qq.com/v3/… HTTP/1.1`.

Some SDKs sign requests to WeChat's own host only, but accept an HTTP proxy: the sandbox is then both. The signature
covers path and query, so the rest of the target is removed before routing.
"""

from __future__ import annotations

from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

_SCHEME = b"http://"


class OriginForm:
    """ASGI middleware: reduces an absolute-form target to its path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["raw_path"].startswith(_SCHEME):
            _, slash, path = scope["raw_path"][len(_SCHEME) :].partition(b"/")
            raw = b"/" + path if slash else b"/"
            scope = {**scope, "raw_path": raw, "path": unquote(raw.decode("ascii"))}
        await self._app(scope, receive, send)
