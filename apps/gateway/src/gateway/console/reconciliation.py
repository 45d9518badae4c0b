"""Reconciliations with WeChat's bill: the days, and one day's figures and differences with their repairs."""

import asyncio
from datetime import date

from fastapi.responses import Response
from starlette.exceptions import HTTPException

from gateway.console.acts import Act
from gateway.console.listing import SIZE, choice, older, page_of
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn

router = new_router()
ACTS: tuple[Act, ...] = (
    Act(
        name="reconcile",
        page="reconciliation",
        service="payment",
        method="reconcile",
        params={"date": str},
        money=True,
    ),
)
KINDS = ("missing_here", "missing_there", "amount", "state", "unreadable")


@router.get("/console/reconciliation")
async def show_days(visit: SignedIn) -> Response:
    before = visit.query.get("before")
    body = {"pageSize": SIZE} | ({"before": before} if before else {})
    rows = (await visit.ask("payment", "reconciliationRunList", body))["list"]
    return visit.page("reconciliation", rows=rows, next_page=older(visit, rows, "date", name="before"))


@router.get("/console/reconciliation/{day}")
async def show_day(visit: SignedIn, day: str) -> Response:
    try:
        date.fromisoformat(day)
    except ValueError:
        raise HTTPException(404) from None
    kind = choice(visit, "kind", KINDS)
    run, found = await asyncio.gather(
        visit.ask("payment", "reconciliationRun", {"date": day}),
        visit.ask("payment", "reconciliationList", page_of(visit, date=day, kind=kind)),
    )
    return visit.page(
        "reconciliation_day",
        day=day,
        run=run,
        rows=found["list"],
        kind=kind,
        kinds=KINDS,
        next_page=older(visit, found["list"]),
        of_days=visit.texts("reconciliation"),
    )
