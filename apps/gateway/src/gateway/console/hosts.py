"""Requests to become a host: approve or refuse, with a note."""

from fastapi.responses import Response

from gateway.console.acts import Act
from gateway.console.numbers import last_id, row_id
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn

router = new_router()
STATES = ("waiting", "approved", "granted", "refused")
PAGE = 50
ACTS: tuple[Act, ...] = (
    Act(name="host_approve", page="hosts", service="travel", method="hostApprove", params={"id": row_id}),
    Act(name="host_refuse", page="hosts", service="travel", method="hostRefuse", params={"id": row_id}),
)


@router.get("/console/hosts")
async def hosts(visit: SignedIn) -> Response:
    status, below = visit.query.get("status", "waiting"), last_id(visit.query.get("below", ""))
    query = {"status": status} if status in STATES else {}
    found = await visit.ask("travel", "hostList", {**query, "lastId": below, "pageSize": PAGE})
    rows = found["list"]
    return visit.page(
        "hosts", rows=rows, older=rows[-1]["id"] if len(rows) == PAGE else 0, states=STATES, chosen=status
    )
