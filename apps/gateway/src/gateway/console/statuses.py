"""How every service runs, as it tells itself; the gateway, which no app may call, tells its own."""

import asyncio
from collections.abc import Sequence

from gateway.console.asking import Reading
from gateway.console.visits import Visit
from servicekit.system import System
from servicekit.system_api import SystemStatus

GATEWAY = "gateway"
OTHERS = ("usercenter", "travel", "order", "payment", "notification")


async def all_services(visit: Visit) -> Sequence[Reading]:
    """The status of each service, the gateway's first; one that does not respond is a Reading without data."""
    return await asyncio.gather(_own(visit), *(visit.read(each, "system") for each in OTHERS))


async def _own(visit: Visit) -> Reading:
    system: System = visit.request.app.state.system
    status = SystemStatus.of(GATEWAY, await system.snapshot())
    return Reading(GATEWAY, status.model_dump(mode="json", by_alias=True))
