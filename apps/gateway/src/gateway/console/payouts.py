"""Payouts due to hosts: the days with their sums, and the records by day, host and homestay business."""

from fastapi.responses import Response

from gateway.console.acts import Act
from gateway.console.listing import SIZE, number, older, page_of
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn

router = new_router()
ACTS: tuple[Act, ...] = (
    Act(name="payout", page="payouts", service="payment", method="payout", params={"date": str}, money=True),
)


@router.get("/console/payouts")
async def show_days(visit: SignedIn) -> Response:
    before = visit.query.get("before")
    body = {"pageSize": SIZE} | ({"before": before} if before else {})
    rows = (await visit.ask("payment", "payoutDayList", body))["list"]
    return visit.page("payouts", rows=rows, next_page=older(visit, rows, "day", name="before"))


@router.get("/console/payouts/records")
async def show_records(visit: SignedIn) -> Response:
    day, host, business = visit.query.get("date", ""), number(visit, "host"), number(visit, "business")
    body = page_of(visit, date=day, hostId=host, homestayBusinessId=business)
    rows = (await visit.ask("payment", "payoutList", body))["list"]
    return visit.page(
        "payout_records", rows=rows, day=day, host=host or "", business=business or "", next_page=older(visit, rows)
    )
