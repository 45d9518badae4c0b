"""What should end of money, by state and age, and the way to each list."""

import asyncio

from fastapi.responses import Response

from gateway.console.acts import Act
from gateway.console.asking import Reading
from gateway.console.listing import MOST, age, counted
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn

router = new_router()
ACTS: tuple[Act, ...] = ()
LISTS = {
    "payment": ("/console/money/payments", {"waiting": "status=0"}),
    "refund": ("/console/money/refunds", {state: f"state={state}" for state in ("requested", "accepted", "abnormal")}),
    "notice": ("/console/reviews", {"needs_review": "state=needs_review"}),
    "difference": ("/console/reconciliation", {"open": ""}),
}
"""Where the rows of each subject are listed, and by which query of each state."""
BY_AGE = ("payment", "refund")
"""Subjects whose list can be narrowed by age."""


@router.get("/console/money")
async def show(visit: SignedIn) -> Response:
    """Without order the page shows what payment knows, and says what is missing."""
    found, closings, failed = await asyncio.gather(
        visit.ask("payment", "unfinishedStatus"),
        visit.read("order", "closingList", {"pageSize": MOST}),
        visit.read("order", "failedRefundList", {"pageSize": MOST}),
    )
    rows = []
    for row in found["list"]:
        path, queries = LISTS[row["subject"]]
        query = queries[row["state"]]
        older = {seconds: f"{path}?{query}&older={seconds}" for seconds in ("600", "3600", "86400")}
        rows.append(
            {
                **row,
                "name": f"{row['subject']}_{row['state']}",
                "href": f"{path}?{query}" if query else path,
                "older": older if row["subject"] in BY_AGE else {},
                "age": age(row["oldestAt"]),
            }
        )
    return visit.page(
        "money",
        rows=rows,
        missing_order=next((each for each in (closings, failed) if each.data is None), None),
        of_order=[
            _counted("closings", "/console/closings", closings, "closingAt"),
            _counted("failed_refunds", "/console/money/failed-refunds", failed, "failedAt"),
        ],
    )


def _counted(name: str, path: str, listed: Reading, since: str) -> dict[str, str] | None:
    """How many rows a list of order's has, and the age of the oldest; None where order did not say."""
    if listed.data is None:
        return None
    rows = listed.data["list"]
    return {
        "name": name,
        "href": path,
        "count": counted(rows),
        "age": age(min((row[since] for row in rows), default=None)),
    }
