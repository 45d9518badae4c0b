"""The console's first page."""

from fastapi.responses import Response

from gateway.console.acts import Act
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn

router = new_router()
ACTS: tuple[Act, ...] = (
    Act(
        name="refund_ask_again",
        page="find",
        service="order",
        method="refundAskAgain",
        params={"sn": str},
    ),
)


@router.get("/console")
async def first_page(visit: SignedIn) -> Response:
    found = await visit.ask("order", "failedRefundList", {"pageSize": 20})
    return visit.page("find", orders=found["list"])
