"""/_sim/…: what a person or a test does to the sandbox. The CLI and the console are built on it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from wechatsim import __version__, cashier_pay, mini_login, mini_message, orders, views
from wechatsim.clock import rfc3339
from wechatsim.control_base import Body, endpoint, text
from wechatsim.errors import ControlError
from wechatsim.sim import Sim


def _health(sim: Sim, _: Request, __: Body) -> Any:
    return {
        "status": "ok",
        "version": __version__,
        "now": rfc3339(sim.clock.now()),
        "merchants": [{"mchid": m.mchid, "appid": m.appid, "key_mode": m.key_mode} for m in sim.merchants.values()],
    }


def _pay(sim: Sim, _: Request, body: Body) -> Any:
    prepay_id, number = text(body, "prepay_id", ""), text(body, "out_trade_no", "")
    if not prepay_id and not number:
        raise ControlError(HTTPStatus.BAD_REQUEST, "missing_parameter", "give out_trade_no or prepay_id")
    row = orders.by_prepay_id(sim, prepay_id) if prepay_id else orders.by_number(sim, number)
    subscribe = body.get("subscribe", True) is True
    return orders.pay(sim, row, text(body, "openid", ""), subscribe=subscribe)


def _request_payment(sim: Sim, _: Request, body: Body) -> Any:
    return cashier_pay.request_payment(sim, body, openid=text(body, "openid", ""))


def _code(sim: Sim, _: Request, body: Body) -> Any:
    return mini_login.new_code(
        sim,
        text(body, "openid"),
        appid=text(body, "appid", ""),
        mobile=text(body, "mobile", ""),
        nickname=text(body, "nickname", ""),
    )


def _messages(sim: Sim, request: Request, _: Body) -> Any:
    openid = request.query_params.get("openid", "")
    rows = sim.store.all("SELECT * FROM message WHERE ? = '' OR openid = ? ORDER BY id", openid, openid)
    return {"messages": [mini_message.shown(sim.apps.get(row["appid"]), row) for row in rows]}


def _quota(sim: Sim, request: Request, _: Body) -> Any:
    openid = request.query_params.get("openid", "")
    rows = sim.store.all("SELECT * FROM quota WHERE ? = '' OR openid = ?", openid, openid)
    return {"quota": [dict(row) for row in rows]}


def _grant(sim: Sim, _: Request, body: Body) -> Any:
    openid, count = text(body, "openid"), body.get("count", 1)
    if type(count) is not int or count < 0:
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_parameter", "count must be a whole number, 0 or more")
    chosen = text(body, "template_id", "")
    for template_id in [chosen] if chosen else [t for m in sim.merchants.values() for t in m.templates]:
        if count == 0:
            sim.store.run("DELETE FROM quota WHERE openid = ? AND template_id = ?", openid, template_id)
        else:
            orders.grant(sim, openid, template_id, count)
    return {"quota": [dict(row) for row in sim.store.all("SELECT * FROM quota WHERE openid = ?", openid)]}


def _transactions(sim: Sim, _: Request, __: Body) -> Any:
    orders.expire(sim)
    return {"transactions": views.orders(sim)}


def _notifications(sim: Sim, request: Request, _: Body) -> Any:
    return {"notifications": views.notifications(sim, request.query_params.get("out_trade_no", ""))}


def _books(sim: Sim, request: Request, _: Body) -> Any:
    orders.expire(sim)
    return {"books": views.books(sim, request.query_params.get("out_trade_no", ""))}


ROUTES = [
    Route("/_sim/healthz", endpoint(_health), methods=["GET"]),
    Route("/_sim/pay", endpoint(_pay), methods=["POST"]),
    Route("/_sim/request-payment", endpoint(_request_payment), methods=["POST"]),
    Route("/_sim/code", endpoint(_code), methods=["POST"]),
    Route("/_sim/messages", endpoint(_messages), methods=["GET"]),
    Route("/_sim/quota", endpoint(_quota), methods=["GET"]),
    Route("/_sim/grant", endpoint(_grant), methods=["POST"]),
    Route("/_sim/transactions", endpoint(_transactions), methods=["GET"]),
    Route("/_sim/notifications", endpoint(_notifications), methods=["GET"]),
    Route("/_sim/books", endpoint(_books), methods=["GET"]),
]
