"""/_sim: pay an order as its payer would; list transactions and the ledger."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from wechatsim.control import views
from wechatsim.control.endpoint import Body, endpoint, text
from wechatsim.errors import ControlError
from wechatsim.pay import orders, request_payment
from wechatsim.sim import Sim


def _pay(sim: Sim, _: Request, body: Body) -> Any:
    prepay_id, number = text(body, "prepay_id", ""), text(body, "out_trade_no", "")
    if not prepay_id and not number:
        raise ControlError(HTTPStatus.BAD_REQUEST, "missing_parameter", "give out_trade_no or prepay_id")
    row = orders.by_prepay_id(sim, prepay_id) if prepay_id else orders.by_number(sim, number)
    subscribe = body.get("subscribe", True) is True
    return orders.pay(sim, row, text(body, "openid", ""), subscribe=subscribe)


def _request_payment(sim: Sim, _: Request, body: Body) -> Any:
    return request_payment.request_payment(sim, body, openid=text(body, "openid", ""))


def _transactions(sim: Sim, _: Request, __: Body) -> Any:
    orders.expire(sim)
    return {"transactions": views.orders(sim)}


def _books(sim: Sim, request: Request, _: Body) -> Any:
    orders.expire(sim)
    return {"books": views.books(sim, request.query_params.get("out_trade_no", ""))}


ROUTES = [
    Route("/_sim/pay", endpoint(_pay), methods=["POST"]),
    Route("/_sim/request-payment", endpoint(_request_payment), methods=["POST"]),
    Route("/_sim/transactions", endpoint(_transactions), methods=["GET"]),
    Route("/_sim/books", endpoint(_books), methods=["GET"]),
]
