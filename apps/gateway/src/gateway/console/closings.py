"""Orders whose closing WeChat has not confirmed."""

from fastapi.responses import Response

from gateway.console.acts import Act
from gateway.console.listing import age, older, page_of
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn

router = new_router()
ACTS: tuple[Act, ...] = (
    Act(name="closing_retry", page="closings", service="order", method="closingRetry", params={"sn": str}),
)


@router.get("/console/closings")
async def show(visit: SignedIn) -> Response:
    rows = (await visit.ask("order", "closingList", page_of(visit)))["list"]
    return visit.page(
        "closings",
        rows=[{**row, "age": age(row["closingAt"])} for row in rows],
        next_page=older(visit, rows),
    )
