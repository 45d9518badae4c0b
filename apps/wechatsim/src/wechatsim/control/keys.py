"""/_sim/rotate: give a merchant a new platform certificate."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from wechatsim.control.clock import seconds_of
from wechatsim.control.endpoint import Body, endpoint, text
from wechatsim.errors import ControlError
from wechatsim.signing import rotation
from wechatsim.sim import Sim


async def _rotate(sim: Sim, _: Request, body: Body) -> Any:
    mchid = text(body, "mchid", "") or next(iter(sim.merchants))
    if mchid not in sim.merchants:
        raise ControlError(HTTPStatus.NOT_FOUND, "unknown_merchant", f"no merchant {mchid}")
    after = seconds_of(text(body, "after", "0s"))
    made = await asyncio.to_thread(rotation.make, sim.clock)
    rotation.install(sim.store, sim.clock, sim.merchants[mchid], made, after)
    merchant = sim.merchants[mchid]
    return {"mchid": mchid, "signing": merchant.current().serial, "listed": [k.serial for k in merchant.listed()]}


ROUTES = [Route("/_sim/rotate", endpoint(_rotate), methods=["POST"])]
