"""/_sim/refund: refund an order, end a pending refund, list refunds."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from wechatsim.control import scenarios, views
from wechatsim.control.endpoint import Body, endpoint, text
from wechatsim.errors import ControlError
from wechatsim.pay import orders
from wechatsim.sim import Sim


def _refund(sim: Sim, _: Request, body: Body) -> Any:
    amount = body.get("amount")
    if amount is not None and (type(amount) is not int or amount < 1):
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_parameter", "amount must be fen, 1 or more")
    return scenarios.refund(
        sim,
        orders.by_number(sim, text(body, "out_trade_no")),
        amount=amount,
        ending=text(body, "ending", "SUCCESS").upper(),
        out_refund_no=text(body, "out_refund_no", ""),
        notify_url=text(body, "notify_url", ""),
        reason=text(body, "reason", ""),
    )


def _finish(sim: Sim, _: Request, body: Body) -> Any:
    return scenarios.finish(sim, text(body, "out_refund_no"), text(body, "ending", "SUCCESS").upper())


def _list(sim: Sim, request: Request, _: Body) -> Any:
    return {"refunds": views.refunds(sim, request.query_params.get("out_trade_no", ""))}


ROUTES = [
    Route("/_sim/refund", endpoint(_refund), methods=["POST"]),
    Route("/_sim/refund/finish", endpoint(_finish), methods=["POST"]),
    Route("/_sim/refunds", endpoint(_list), methods=["GET"]),
]
