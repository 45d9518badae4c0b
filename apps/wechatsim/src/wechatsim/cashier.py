"""The cashier for a person: a page like the phone's, no script and no outside asset needed."""

from __future__ import annotations

from http import HTTPStatus
from importlib.resources import files
from urllib.parse import parse_qs, urlencode, urlsplit

from jinja2 import Environment, FunctionLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from wechatsim import orders
from wechatsim.errors import ControlError
from wechatsim.sim import Sim
from wechatsim.store import Row


def _source(name: str) -> str:
    return files("wechatsim").joinpath("templates", name).read_text()


PAGES = Environment(loader=FunctionLoader(_source), autoescape=True, trim_blocks=True, lstrip_blocks=True)
PAGES.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
PAGES.filters["yuan"] = lambda fen: f"{fen // 100}.{fen % 100:02d}"
_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def safe_return(url: str) -> str:
    """`url` if it is an http(s) address, else "": a javascript: link must never be offered."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in {"http", "https"} and parts.netloc else ""


def _page(row: Row | None, *, result: str, message: str = "", prepay_id: str = "", back: str = "") -> Response:
    html = PAGES.get_template("cashier.html").render(
        order=row, result=result, message=message, prepay_id=prepay_id, return_url=back
    )
    status = HTTPStatus.NOT_FOUND if row is None else HTTPStatus.OK
    return HTMLResponse(html, status_code=status, headers=_SECURITY)


async def _show(request: Request) -> Response:
    sim: Sim = request.app.state.sim
    prepay_id = request.query_params.get("prepay_id", "")
    back = safe_return(request.query_params.get("return_url", ""))
    outcome = request.query_params.get("result", "")
    try:
        row = orders.by_prepay_id(sim, prepay_id)
    except ControlError as error:
        message = "支付会话已过期，请回到商家重新下单" if error.status == HTTPStatus.CONFLICT else "找不到这笔订单"
        return _page(None, result="unknown", message=message, back=back)
    result = {"SUCCESS": "paid", "REFUND": "paid", "CLOSED": "closed"}.get(row["state"], "open")
    if result == "open" and outcome in {"cancelled", "failed"}:
        result = "cancelled"
    return _page(row, result=result, prepay_id=prepay_id, back=back)


async def _act(request: Request) -> Response:
    sim: Sim = request.app.state.sim
    form = {name: values[-1] for name, values in parse_qs((await request.body()).decode(errors="replace")).items()}
    query = {"prepay_id": form.get("prepay_id", "")}
    if safe_return(form.get("return_url", "")):
        query["return_url"] = form["return_url"]
    if form.get("action") == "pay":
        try:
            orders.pay(sim, orders.by_prepay_id(sim, query["prepay_id"]), subscribe="subscribe" in form)
        except ControlError:
            query["result"] = "failed"
    else:
        query["result"] = "cancelled"
    # See Other: a reload of the result never pays again.
    return RedirectResponse(f"/cashier?{urlencode(query)}", status_code=HTTPStatus.SEE_OTHER)


ROUTES = [
    Route("/cashier", _show, methods=["GET"]),
    Route("/cashier", _act, methods=["POST"]),
]
