"""Requests as a proxy gets them: `GET http://api.mch.weixin.qq.com/v3/… HTTP/1.1`.

Some SDKs sign for WeChat's own host only, but take an HTTP proxy: the sandbox then plays both. What is signed
is path and query, so the rest of the target goes before anybody looks at it.
"""

from __future__ import annotations

from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

_SCHEME = b"http://"


class OriginForm:
    """ASGI middleware: an absolute-form target becomes its path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["raw_path"].startswith(_SCHEME):
            _, slash, path = scope["raw_path"][len(_SCHEME) :].partition(b"/")
            raw = b"/" + path if slash else b"/"
            scope = {**scope, "raw_path": raw, "path": unquote(raw.decode("ascii"))}
        await self._app(scope, receive, send)
