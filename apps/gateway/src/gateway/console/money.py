"""What should end of money, by state and age, and the way to each list."""

import asyncio

from fastapi.responses import Response

from gateway.console.acts import Act
from gateway.console.listing import age
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
MOST_CLOSINGS = 100
"""Closings are counted up to here."""


@router.get("/console/money")
async def show(visit: SignedIn) -> Response:
    """Without order the page shows what payment knows, and says what is missing."""
    found, closings = await asyncio.gather(
        visit.ask("payment", "unfinishedStatus"),
        visit.read("order", "closingList", {"pageSize": MOST_CLOSINGS}),
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
    closing = closings.data["list"] if closings.data else []
    return visit.page(
        "money",
        rows=rows,
        closings=closings,
        closing=f"{len(closing)}+" if len(closing) == MOST_CLOSINGS else str(len(closing)),
        oldest_closing=age(min((row["closingAt"] for row in closing), default=None)),
    )
