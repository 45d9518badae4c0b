"""/_sim/…, the second half: clock, faults, notifications, refunds, rotation, listeners."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wechatsim import orders, rotation, scenarios, views
from wechatsim.clock import rfc3339
from wechatsim.control_base import Body, endpoint, number, text
from wechatsim.errors import ControlError
from wechatsim.faults import FAULTS, KINDS
from wechatsim.sim import Sim

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# Shorter than the server waits for requests when it stops.
_POLL_S = 5.0


def seconds_of(words: str) -> float:
    """90, 90s, 31m, 24h, 2d, 1h30m → seconds."""
    if not re.fullmatch(r"(\d+(\.\d+)?[smhd]?)+", words):
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_duration", "write a duration as 90s, 31m, 24h, 2d or 1h30m")
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd]?)", words)
    return float(sum(float(amount) * _UNITS[unit or "s"] for amount, unit in parts))


def _clock(sim: Sim, _: Request, __: Body) -> Any:
    return {"now": rfc3339(sim.clock.now()), "ahead_seconds": round(sim.clock.offset)}


def _advance(sim: Sim, request: Request, body: Body) -> Any:
    by = number(body, "seconds")
    if by is not None and by < 0:
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_duration", "the clock only goes forward")
    sim.advance(seconds_of(text(body, "by")) if by is None else by)
    return _clock(sim, request, body)


def _faults(sim: Sim, _: Request, __: Body) -> Any:
    known = [
        {"name": k.name, "effect": k.effect, "value": k.value, "unit": k.unit, "magic_amount": k.magic or None}
        for k in FAULTS
    ]
    return {"active": sim.faults.listing(), "known": known}


def _unknown_fault(name: str) -> ControlError:
    return ControlError(HTTPStatus.NOT_FOUND, "unknown_fault", f"no fault {name}; see `wechatsim faults list`")


def _fault_set(sim: Sim, _: Request, body: Body) -> Any:
    name, times = text(body, "name"), number(body, "times")
    if name not in KINDS:
        raise _unknown_fault(name)
    if times is not None and (times < 1 or times != int(times)):
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_parameter", "times must be a whole number, 1 or more")
    value = number(body, "value")
    sim.faults.set(name, match=text(body, "match", ""), value=value, times=None if times is None else int(times))
    return {"active": sim.faults.listing()}


def _fault_clear(sim: Sim, _: Request, body: Body) -> Any:
    name = text(body, "name", "")
    if name and name not in KINDS:
        raise _unknown_fault(name)
    cleared = sim.faults.clear(name)
    sim.notifier.release_held()
    return {"cleared": cleared, "active": sim.faults.listing()}


def _notification(sim: Sim, request: Request, _: Body) -> Any:
    row = sim.store.one("SELECT * FROM notification WHERE id = ?", request.path_params["ident"])
    if row is None:
        raise ControlError(HTTPStatus.NOT_FOUND, "unknown_notification", "no such notification")
    return views.notification(sim, row)


def _resend(sim: Sim, request: Request, body: Body) -> Any:
    if not sim.notifier.resend(request.path_params["ident"], text(body, "url", "")):
        raise ControlError(HTTPStatus.NOT_FOUND, "unknown_notification", "no such notification")
    return _notification(sim, request, body)


def _trigger(sim: Sim, _: Request, body: Body) -> Any:
    total, struck = body.get("total", 100), body.get("faults", {})
    if type(total) is not int or not isinstance(struck, dict):
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_parameter", "total must be fen, faults an object")
    found = scenarios.trigger(
        sim,
        text(body, "event"),
        out_trade_no=text(body, "out_trade_no", ""),
        notify_url=text(body, "notify_url", ""),
        total=total,
        struck=struck,
    )
    return {"notifications": found}


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


def _finish_refund(sim: Sim, _: Request, body: Body) -> Any:
    return scenarios.finish(sim, text(body, "out_refund_no"), text(body, "ending", "SUCCESS").upper())


def _refunds(sim: Sim, request: Request, _: Body) -> Any:
    return {"refunds": views.refunds(sim, request.query_params.get("out_trade_no", ""))}


async def _rotate(sim: Sim, _: Request, body: Body) -> Any:
    mchid = text(body, "mchid", "") or next(iter(sim.merchants))
    if mchid not in sim.merchants:
        raise ControlError(HTTPStatus.NOT_FOUND, "unknown_merchant", f"no merchant {mchid}")
    after = seconds_of(text(body, "after", "0s"))
    made = await asyncio.to_thread(rotation.make)
    rotation.install(sim.store, sim.clock, sim.merchants[mchid], made, after)
    merchant = sim.merchants[mchid]
    return {"mchid": mchid, "signing": merchant.current().serial, "listed": [k.serial for k in merchant.listed()]}


async def _listen(sim: Sim, _: Request, __: Body) -> Any:
    handed = await sim.notifier.bridge.next(_POLL_S)
    return handed if handed is not None else Response(status_code=HTTPStatus.NO_CONTENT)


def _heard(sim: Sim, request: Request, body: Body) -> Any:
    status = body.get("status")
    if type(status) is not int:
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_parameter", "status must be a whole number")
    ticket = request.path_params["ticket"]
    return {"in_time": sim.notifier.bridge.answer(ticket, status, text(body, "body", "").encode())}


ROUTES = [
    Route("/_sim/clock", endpoint(_clock), methods=["GET"]),
    Route("/_sim/clock/advance", endpoint(_advance), methods=["POST"]),
    Route("/_sim/faults", endpoint(_faults), methods=["GET"]),
    Route("/_sim/faults/set", endpoint(_fault_set), methods=["POST"]),
    Route("/_sim/faults/clear", endpoint(_fault_clear), methods=["POST"]),
    Route("/_sim/notifications/{ident}", endpoint(_notification), methods=["GET"]),
    Route("/_sim/notifications/{ident}/resend", endpoint(_resend), methods=["POST"]),
    Route("/_sim/trigger", endpoint(_trigger), methods=["POST"]),
    Route("/_sim/refund", endpoint(_refund), methods=["POST"]),
    Route("/_sim/refund/finish", endpoint(_finish_refund), methods=["POST"]),
    Route("/_sim/refunds", endpoint(_refunds), methods=["GET"]),
    Route("/_sim/rotate", endpoint(_rotate), methods=["POST"]),
    Route("/_sim/listen", endpoint(_listen), methods=["GET"]),
    Route("/_sim/listen/{ticket}", endpoint(_heard), methods=["POST"]),
]
