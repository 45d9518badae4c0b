"""Wraps the handlers of the control API: loopback only, JSON in, JSON out."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from wechatsim.errors import ControlError
from wechatsim.sim import Sim

Body = dict[str, Any]
Handler = Callable[[Sim, Request, Body], Awaitable[Any] | Any]


def is_local(request: Request) -> bool:
    """Whether the caller is on this machine and asks for it by an address or a name without a dot. A page of another site
    whose name was made to lead here (DNS rebinding) asks for that name."""
    try:
        on_this_machine = request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return False
    return on_this_machine and ("." not in host or _is_address(host))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """The ASGI endpoint of one handler; ControlError becomes {"error", "message"}."""

    async def serve(request: Request) -> Response:
        sim: Sim = request.app.state.sim
        try:
            _require_loopback(sim, request)
            response = handler(sim, request, await _json_object(request))
            if isinstance(response, Awaitable):
                response = await response
        except ControlError as error:
            return JSONResponse({"error": error.code, "message": error.message}, status_code=error.status)
        return response if isinstance(response, Response) else JSONResponse(response)

    return serve


def _require_loopback(sim: Sim, request: Request) -> None:
    if not sim.settings.allow_remote_control and not is_local(request):
        raise ControlError(HTTPStatus.FORBIDDEN, "loopback_only", "the control API is available on loopback only")


async def _json_object(request: Request) -> Body:
    if request.method == "GET":
        return {}
    # A page of another site cannot send this content type without a CORS preflight: protects against CSRF.
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise ControlError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not_json", "send Content-Type: application/json")
    body = await request.body()
    try:
        content = json.loads(body) if body else {}
    except ValueError as error:
        raise ControlError(HTTPStatus.BAD_REQUEST, "not_json", f"the body is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ControlError(HTTPStatus.BAD_REQUEST, "not_an_object", "the body must be a JSON object")
    return content


def text(body: Body, name: str, default: str | None = None) -> str:
    """A string member; required when there is no default."""
    value = body.get(name, default)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_parameter", f"{name} must be a string")
    return value


def number(body: Body, name: str) -> float | None:
    """An optional number member."""
    value = body.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_parameter", f"{name} must be a number")
    return value
