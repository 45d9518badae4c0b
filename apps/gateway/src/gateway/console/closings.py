"""Orders whose closing WeChat has not confirmed."""

from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response

from gateway.console.acts import Act
from gateway.console.listing import age, older, page_of
from gateway.console.present import Present, Words, of_order
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn, Visit

router = new_router()


async def _order(visit: Visit, params: Mapping[str, Any], words: Words) -> Present:
    row = (await visit.ask("order", "orderSteps", {"sn": params["sn"]}))["order"]
    closing = visit.texts("act")["yes" if row["closing"] else "no"]
    return of_order(row, words) | {"closing": closing, "until": words.moment(row["closeAt"])}


ACTS: tuple[Act, ...] = (
    Act(name="closing_retry", page="closings", service="order", method="closingRetry", params={"sn": str}, look=_order),
)


@router.get("/console/closings")
async def show(visit: SignedIn) -> Response:
    rows = (await visit.ask("order", "closingList", page_of(visit)))["list"]
    return visit.page(
        "closings",
        rows=[{**row, "age": age(row["closingAt"])} for row in rows],
        next_page=older(visit, rows),
    )
