"""GET /_sim/healthz: the version, the sandbox time and the merchants."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from wechatsim import __version__
from wechatsim.clock import rfc3339
from wechatsim.control.endpoint import Body, endpoint
from wechatsim.sim import Sim


def _health(sim: Sim, _: Request, __: Body) -> Any:
    return {
        "status": "ok",
        "version": __version__,
        "now": rfc3339(sim.clock.now()),
        "merchants": [{"mchid": m.mchid, "appid": m.appid, "key_mode": m.key_mode} for m in sim.merchants.values()],
    }


ROUTES = [Route("/_sim/healthz", endpoint(_health), methods=["GET"])]
