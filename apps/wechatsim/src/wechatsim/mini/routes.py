"""api.weixin.qq.com: every response is HTTP 200, errors by errcode with a rid (wechat-pay-v3.md §7)."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wechatsim import wire
from wechatsim.errors import MiniError
from wechatsim.mini import login, message, token
from wechatsim.sim import Sim
from wechatsim.wire import WireResponse

_log = logging.getLogger("wechatsim.mini")
_JSON = "application/json; encoding=utf-8"
_TEXT = "text/plain"
SEND = "/cgi-bin/message/subscribe/send"
_OF_SURROGATES = (b"\\u", b"\xed", b"\x00")
"""What a body has that may hold one: an escape, its first byte in UTF-8, or a byte of UTF-16 or UTF-32."""
Handler = Callable[[Sim, Request, dict[str, Any]], dict[str, Any]]


def rid() -> str:
    """WeChat's request id in an errmsg: 8hex-8hex-8hex."""
    return "-".join(secrets.token_hex(4) for _ in range(3))


def endpoint(handler: Handler, content_type: str = _JSON) -> Callable[[Request], Awaitable[Response]]:
    """The ASGI endpoint of one mini-program operation."""

    async def serve(request: Request) -> Response:
        sim: Sim = request.app.state.sim
        content_length = None
        try:
            _check_busy(sim, request)
            response = handler(sim, request, _json_object(await request.body()))
        except MiniError as error:
            response = _error_body(request, error)
        body = wire.dumps(response)
        if _path(request) == SEND:
            if not response.get("errcode") and sim.faults.consume("message-unknown") is not None:
                content_length = len(body) + 1
            if (slow := sim.faults.consume("message-slow")) is not None:
                await asyncio.sleep(slow)
        return WireResponse(HTTPStatus.OK, [("Content-Type", content_type)], body, content_length=content_length)

    return serve


def _path(request: Request) -> str:
    """`request.url` would be put together for it from the headers."""
    path: str = request.scope["path"]
    return path


def _error_body(request: Request, error: MiniError) -> dict[str, Any]:
    _log.info("%s: %s", _path(request), error)
    # The live host puts a comma before the rid under /sns, and none elsewhere.
    comma = "," if _path(request).startswith("/sns/") else ""
    return {"errcode": error.errcode, "errmsg": f"{error.errmsg}{comma} rid: {rid()}"}


def wrong_method(request: Request) -> Response:
    """43001 or 43002 for a known path with the wrong method."""
    wanted = METHODS[_path(request)]
    error = MiniError(43001 if wanted == "GET" else 43002, f"require {wanted} method")
    return WireResponse(HTTPStatus.OK, [("Content-Type", _JSON)], wire.dumps(_error_body(request, error)))


def _check_busy(sim: Sim, request: Request) -> None:
    if sim.faults.consume("mini-busy", _path(request)) is not None:
        raise MiniError(-1, "system error")


def _json_object(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        content = json.loads(body)
        # A lone surrogate is valid JSON, but cannot be encoded as UTF-8 and stored.
        if any(each in body for each in _OF_SURROGATES):
            json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise MiniError(47001, "data format error") from error
    if not isinstance(content, dict):
        raise MiniError(47001, "data format error")
    return content


def _code2session(sim: Sim, request: Request, _: dict[str, Any]) -> dict[str, Any]:
    return login.code2session(sim, request.query_params)


def _stable_token(sim: Sim, _: Request, content: dict[str, Any]) -> dict[str, Any]:
    return token.stable_token(sim, content)


def _plain_token(sim: Sim, request: Request, _: dict[str, Any]) -> dict[str, Any]:
    return token.plain_token(sim, request.query_params)


def _send(sim: Sim, request: Request, content: dict[str, Any]) -> dict[str, Any]:
    return message.send(sim, token.check(sim, request.query_params.get("access_token")), content)


def _phone(sim: Sim, request: Request, content: dict[str, Any]) -> dict[str, Any]:
    app = token.check(sim, request.query_params.get("access_token"))
    return login.phone_number(sim, app, content)


# Each is tried in turn: what is called most comes first.
ROUTES = [
    Route(SEND, endpoint(_send), methods=["POST"]),
    Route("/sns/jscode2session", endpoint(_code2session, _TEXT), methods=["GET"]),
    Route("/cgi-bin/stable_token", endpoint(_stable_token), methods=["POST"]),
    Route("/cgi-bin/token", endpoint(_plain_token), methods=["GET"]),
    Route("/wxa/business/getuserphonenumber", endpoint(_phone), methods=["POST"]),
]
METHODS = {route.path: "GET" if "GET" in (route.methods or ()) else "POST" for route in ROUTES}
