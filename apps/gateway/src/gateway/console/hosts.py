"""Requests to become a host: approve or refuse, with a note."""

from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response

from gateway.console.acts import Act
from gateway.console.numbers import last_id, row_id
from gateway.console.present import Present, Words, first
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn, Visit

router = new_router()
STATES = ("waiting", "approved", "granted", "refused")
PAGE = 50


async def _application(visit: Visit, params: Mapping[str, Any], words: Words) -> Present:
    listed = await visit.ask("travel", "hostList", {"lastId": params["id"] + 1, "pageSize": 1})
    if (row := first(listed["list"], id=params["id"])) is None:
        return {}
    return {
        "state": words.named("hosts", "status_", row["status"]),
        "shop": row["shopName"],
        "contact": row["contactName"],
        "about": row["about"] or "–",
        "problem": row["problem"] or "–",
        "since": words.moment(row["appliedAt"]),
    }


def _decision(name: str, method: str, *, money: bool = False) -> Act:
    params = {"id": row_id}
    return Act(name=name, page="hosts", service="travel", method=method, params=params, look=_application, money=money)


ACTS: tuple[Act, ...] = (_decision("host_approve", "hostApprove", money=True), _decision("host_refuse", "hostRefuse"))


@router.get("/console/hosts")
async def hosts(visit: SignedIn) -> Response:
    status, below = visit.query.get("status", "waiting"), last_id(visit.query.get("below", ""))
    query = {"status": status} if status in STATES else {}
    found = await visit.ask("travel", "hostList", {**query, "lastId": below, "pageSize": PAGE})
    rows = found["list"]
    return visit.page(
        "hosts", rows=rows, older=rows[-1]["id"] if len(rows) == PAGE else 0, states=STATES, chosen=status
    )
