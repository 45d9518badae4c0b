"""/_sim/faults: list the faults, switch them on and off."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from wechatsim.control.endpoint import Body, endpoint, number, text
from wechatsim.errors import ControlError
from wechatsim.faults import FAULT_BY_NAME, FAULTS
from wechatsim.sim import Sim


def _list(sim: Sim, _: Request, __: Body) -> Any:
    known = [
        {"name": k.name, "effect": k.effect, "value": k.value, "unit": k.unit, "magic_amount": k.magic or None}
        for k in FAULTS
    ]
    return {"active": sim.faults.active(), "known": known}


def _unknown_fault(name: str) -> ControlError:
    return ControlError(HTTPStatus.NOT_FOUND, "unknown_fault", f"no fault {name}; see `wechatsim faults list`")


def _set(sim: Sim, _: Request, body: Body) -> Any:
    name, times = text(body, "name"), number(body, "times")
    if name not in FAULT_BY_NAME:
        raise _unknown_fault(name)
    if times is not None and (times < 1 or times != int(times)):
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_parameter", "times must be a whole number, 1 or more")
    value = number(body, "value")
    sim.faults.set(name, match=text(body, "match", ""), value=value, times=None if times is None else int(times))
    return {"active": sim.faults.active()}


def _clear(sim: Sim, _: Request, body: Body) -> Any:
    name = text(body, "name", "")
    if name and name not in FAULT_BY_NAME:
        raise _unknown_fault(name)
    cleared = sim.faults.clear(name)
    sim.notifier.release_held()
    return {"cleared": cleared, "active": sim.faults.active()}


ROUTES = [
    Route("/_sim/faults", endpoint(_list), methods=["GET"]),
    Route("/_sim/faults/set", endpoint(_set), methods=["POST"]),
    Route("/_sim/faults/clear", endpoint(_clear), methods=["POST"]),
]
