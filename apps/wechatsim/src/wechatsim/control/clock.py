"""/_sim/clock: read the sandbox clock and move it forward."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from wechatsim.clock import rfc3339
from wechatsim.control.endpoint import Body, endpoint, number, text
from wechatsim.errors import ControlError
from wechatsim.sim import Sim

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds_of(duration: str) -> float:
    """90, 90s, 31m, 24h, 2d, 1h30m → seconds. Raises ControlError 400 for anything else."""
    if not re.fullmatch(r"(\d+(\.\d+)?[smhd]?)+", duration):
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_duration", "write a duration as 90s, 31m, 24h, 2d or 1h30m")
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd]?)", duration)
    return float(sum(float(amount) * _UNITS[unit or "s"] for amount, unit in parts))


def _clock(sim: Sim, _: Request, __: Body) -> Any:
    return {"now": rfc3339(sim.clock.now()), "ahead_seconds": round(sim.clock.offset)}


def _advance(sim: Sim, request: Request, body: Body) -> Any:
    by = number(body, "seconds")
    if by is not None and by < 0:
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_duration", "the clock only goes forward")
    sim.advance(seconds_of(text(body, "by")) if by is None else by)
    return _clock(sim, request, body)


ROUTES = [
    Route("/_sim/clock", endpoint(_clock), methods=["GET"]),
    Route("/_sim/clock/advance", endpoint(_advance), methods=["POST"]),
]
