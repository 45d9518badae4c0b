"""The console page: merchants, orders, notifications with attempts, faults and clock, with buttons."""

from __future__ import annotations

import secrets
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from wechatsim.clock import rfc3339
from wechatsim.control import scenarios, sms, views
from wechatsim.control.endpoint import is_local
from wechatsim.faults import FAULTS
from wechatsim.pages import PAGES
from wechatsim.pay import orders
from wechatsim.sim import Sim

_SHOWN = 50
_SMS_SHOWN = 10


async def _show(request: Request) -> Response:
    sim: Sim = request.app.state.sim
    if not sim.settings.allow_remote_control and not is_local(request):
        return Response("the console is available on loopback only", status_code=HTTPStatus.FORBIDDEN)
    orders.expire(sim)
    wanted = request.query_params.get("order", "")
    nonce = secrets.token_urlsafe(16)
    books = {row["out_trade_no"]: row for row in views.books(sim, wanted)} if wanted else {}
    found = [order for order in views.orders(sim, _SHOWN) if not wanted or order["out_trade_no"] == wanted]
    for order in found:
        if order["out_trade_no"] not in books:
            books[order["out_trade_no"]] = views.books(sim, order["out_trade_no"])[0]
    html = PAGES.get_template("console.html").render(
        nonce=nonce,
        now=rfc3339(sim.clock.now()),
        ahead=round(sim.clock.offset),
        merchants=list(sim.merchants.values()),
        orders=found,
        books=books,
        refunds=views.refunds(sim, wanted)[:_SHOWN],
        notifications=views.notifications(sim, wanted, _SHOWN),
        messages=sms.received(sim, limit=_SMS_SHOWN),
        active=sim.faults.active(),
        kinds=FAULTS,
        events=scenarios.EVENTS,
        wanted=wanted,
        listening=sim.notifier.bridge.listening(),
    )
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}';"
        " connect-src 'self'; base-uri 'none'"
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})


ROUTES = [Route("/_sim/console", _show, methods=["GET"])]
