"""/_sim: list, show, resend and trigger notifications; the two calls of `wechatsim listen`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wechatsim.control import scenarios, views
from wechatsim.control.endpoint import Body, endpoint, text
from wechatsim.errors import ControlError
from wechatsim.sim import Sim

# Shorter than the server's graceful shutdown, so that a long poll does not delay it.
_POLL_S = 5.0


def _list(sim: Sim, request: Request, _: Body) -> Any:
    return {"notifications": views.notifications(sim, request.query_params.get("out_trade_no", ""))}


def _show(sim: Sim, request: Request, _: Body) -> Any:
    row = sim.store.one("SELECT * FROM notification WHERE id = ?", request.path_params["ident"])
    if row is None:
        raise ControlError(HTTPStatus.NOT_FOUND, "unknown_notification", "no such notification")
    return views.notification(sim, row)


def _resend(sim: Sim, request: Request, body: Body) -> Any:
    if not sim.notifier.resend(request.path_params["ident"], text(body, "url", "")):
        raise ControlError(HTTPStatus.NOT_FOUND, "unknown_notification", "no such notification")
    return _show(sim, request, body)


def _trigger(sim: Sim, _: Request, body: Body) -> Any:
    total, faults = body.get("total", 100), body.get("faults", {})
    if type(total) is not int or not isinstance(faults, dict):
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_parameter", "total must be fen, faults an object")
    found = scenarios.trigger(
        sim,
        text(body, "event"),
        out_trade_no=text(body, "out_trade_no", ""),
        notify_url=text(body, "notify_url", ""),
        total=total,
        callback_faults=faults,
    )
    return {"notifications": found}


async def _listen(sim: Sim, _: Request, __: Body) -> Any:
    forwarded = await sim.notifier.bridge.next(_POLL_S)
    return forwarded if forwarded is not None else Response(status_code=HTTPStatus.NO_CONTENT)


def _listen_response(sim: Sim, request: Request, body: Body) -> Any:
    status = body.get("status")
    if type(status) is not int:
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_parameter", "status must be a whole number")
    ticket = request.path_params["ticket"]
    return {"in_time": sim.notifier.bridge.respond(ticket, status, text(body, "body", "").encode())}


ROUTES = [
    Route("/_sim/notifications", endpoint(_list), methods=["GET"]),
    Route("/_sim/notifications/{ident}", endpoint(_show), methods=["GET"]),
    Route("/_sim/notifications/{ident}/resend", endpoint(_resend), methods=["POST"]),
    Route("/_sim/trigger", endpoint(_trigger), methods=["POST"]),
    Route("/_sim/listen", endpoint(_listen), methods=["GET"]),
    Route("/_sim/listen/{ticket}", endpoint(_listen_response), methods=["POST"]),
]
