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
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(?![0-9])([smhd]?)")
_LONGEST = 64
MOST_SECONDS = 100 * 365 * 86400
"""In one step. Years beyond 9999 have no date."""


def seconds_of(duration: str) -> float:
    """90, 90s, 31m, 24h, 2d, 1h30m → seconds. Raises ControlError 400 for anything else. Read part by part: one pattern for
    all of it would try every way to divide a long number."""
    seconds, at = 0.0, 0
    while at < len(duration) <= _LONGEST and (part := _PART.match(duration, at)):
        seconds, at = seconds + float(part[1]) * _UNITS[part[2] or "s"], part.end()
    if at == 0 or at < len(duration):
        raise ControlError(HTTPStatus.BAD_REQUEST, "bad_duration", "write a duration as 90s, 31m, 24h, 2d or 1h30m")
    return seconds


def _clock(sim: Sim, _: Request, __: Body) -> Any:
    return {"now": rfc3339(sim.clock.now()), "ahead_seconds": round(sim.clock.offset)}


def _advance(sim: Sim, request: Request, body: Body) -> Any:
    by = number(body, "seconds")
    by = seconds_of(text(body, "by")) if by is None else by
    if not 0 <= by <= MOST_SECONDS or sim.clock.offset + by > MOST_SECONDS:
        raise ControlError(
            HTTPStatus.BAD_REQUEST, "bad_duration", "the clock only goes forward, a hundred years in all"
        )
    sim.advance(by)
    return _clock(sim, request, body)


ROUTES = [
    Route("/_sim/clock", endpoint(_clock), methods=["GET"]),
    Route("/_sim/clock/advance", endpoint(_advance), methods=["POST"]),
]
