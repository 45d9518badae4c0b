"""The cashier page, like the one on the phone, without scripts or external assets."""

from __future__ import annotations

import re
from http import HTTPStatus
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from wechatsim.errors import ControlError
from wechatsim.pages import PAGES
from wechatsim.pay import orders
from wechatsim.sim import Sim
from wechatsim.store import Row

_PLAIN_URL = re.compile(r"https?://[!-\[\]-~]+", re.IGNORECASE)
"""No backslash, space, control or non-ASCII character: parsers and browsers treat those differently."""
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def allowed_return_url(url: str, host_header: str, row: Row | None) -> str:
    """`url` if it leads back to the merchant, else "". WeChat returns to registered domains only; here the host must be
    that of notify_url or, for a merchant on the same machine, loopback or the host of the cashier page.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
        own = urlsplit(f"//{host_header}").hostname or ""
        merchant = (urlsplit(row["notify_url"]).hostname or "") if row else ""
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or parts.username is not None or not _PLAIN_URL.fullmatch(url):
        return ""
    return url if host in {merchant, own, *_LOOPBACK} - {""} else ""


def _page(row: Row | None, *, result: str, message: str = "", prepay_id: str = "", back: str = "") -> Response:
    html = PAGES.get_template("cashier.html").render(
        order=row, result=result, message=message, prepay_id=prepay_id, return_url=back
    )
    status = HTTPStatus.NOT_FOUND if row is None else HTTPStatus.OK
    return HTMLResponse(html, status_code=status, headers=_SECURITY)


async def _show(request: Request) -> Response:
    sim: Sim = request.app.state.sim
    prepay_id = request.query_params.get("prepay_id", "")
    wanted, own_host = request.query_params.get("return_url", ""), request.headers.get("host", "")
    outcome = request.query_params.get("result", "")
    try:
        row = orders.by_prepay_id(sim, prepay_id)
    except ControlError as error:
        message = "支付会话已过期，请回到商家重新下单" if error.status == HTTPStatus.CONFLICT else "找不到这笔订单"
        return _page(None, result="unknown", message=message, back=allowed_return_url(wanted, own_host, None))
    back = allowed_return_url(wanted, own_host, row)
    result = {"SUCCESS": "paid", "REFUND": "paid", "CLOSED": "closed"}.get(row["state"], "open")
    if result == "open" and outcome in {"cancelled", "failed"}:
        result = "cancelled"
    return _page(row, result=result, prepay_id=prepay_id, back=back)


async def _act(request: Request) -> Response:
    sim: Sim = request.app.state.sim
    form = {name: values[-1] for name, values in parse_qs((await request.body()).decode(errors="replace")).items()}
    query = {"prepay_id": form.get("prepay_id", "")}
    if "return_url" in form:
        query["return_url"] = form["return_url"]  # checked when the page is rendered
    if form.get("action") == "pay":
        try:
            orders.pay(sim, orders.by_prepay_id(sim, query["prepay_id"]), subscribe="subscribe" in form)
        except ControlError:
            query["result"] = "failed"
    else:
        query["result"] = "cancelled"
    # See Other: reloading the result page never pays again.
    return RedirectResponse(f"/cashier?{urlencode(query)}", status_code=HTTPStatus.SEE_OTHER)


ROUTES = [
    Route("/cashier", _show, methods=["GET"]),
    Route("/cashier", _act, methods=["POST"]),
]
