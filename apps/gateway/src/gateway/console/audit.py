"""Who did what: the operators' acts of all services in one list."""

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
    found = await newest(visit, chosen, "actList", {}, by="actedAt")
    return visit.page("audit", found=found, services=SERVICES, service=service)
