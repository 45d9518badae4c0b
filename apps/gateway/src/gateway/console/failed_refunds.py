"""Orders whose refund was agreed, failed at WeChat, and was not requested again."""

from fastapi.responses import Response

from gateway.console.acts import Act
from gateway.console.listing import age, older, page_of
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn

router = new_router()
ACTS: tuple[Act, ...] = ()
"""The act on such an order, refund_ask_again, is payments.py's."""


@router.get("/console/money/failed-refunds")
async def show(visit: SignedIn) -> Response:
    rows = (await visit.ask("order", "failedRefundList", page_of(visit)))["list"]
    return visit.page(
        "failed_refunds",
        rows=[{**row, "age": age(row["failedAt"])} for row in rows],
        acts_texts=visit.texts("payment"),
        next_page=older(visit, rows),
    )
