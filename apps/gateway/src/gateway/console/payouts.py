"""Payouts due to hosts: the days with their sums, and the records by day, host and homestay business."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from fastapi.responses import Response

from gateway.console.acts import Act
from gateway.console.listing import SIZE, number, older, page_of
from gateway.console.present import Present, Words, first
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn, Visit

router = new_router()


def _iso_day(text: str) -> str:
    """Raises ValueError for what is no day."""
    return str(date.fromisoformat(text))


async def _day(visit: Visit, params: Mapping[str, Any], words: Words) -> Present:
    """Empty for a day that was never computed."""
    following = date.fromisoformat(params["date"]) + timedelta(days=1)
    listed = await visit.ask("payment", "payoutDayList", {"before": str(following), "pageSize": 1})
    if (row := first(listed["list"], day=params["date"])) is None:
        return {}
    return {
        "state": words.named("payouts", "state_", "done" if row["completedAt"] else "wanted"),
        "records": str(row["records"]),
        "businesses": str(row["businesses"]),
        "amount": words.amount(row["netFen"]),
        "finished": words.moment(row["completedAt"]),
    }


ACTS: tuple[Act, ...] = (
    Act(
        name="payout",
        page="payouts",
        service="payment",
        method="payout",
        params={"date": _iso_day},
        look=_day,
        money=True,
    ),
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
