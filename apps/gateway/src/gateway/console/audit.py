"""Who did what: the operators' acts of all services in one list, and whether they are as they were written."""

import asyncio

from fastapi.responses import Response

from gateway.console.merging import newest
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn

router = new_router()
ACTS = ()
SERVICES = ("order", "payment", "notification", "travel", "usercenter")


@router.get("/console/audit")
async def audit(visit: SignedIn) -> Response:
    service = visit.query.get("service", "")
    chosen = (service,) if service in SERVICES else SERVICES
    found, *states = await asyncio.gather(
        newest(visit, chosen, "actList", {}, by="actedAt"), *(visit.read(each, "auditVerify") for each in chosen)
    )
    return visit.page("audit", found=found, states=states, services=SERVICES, service=service)
