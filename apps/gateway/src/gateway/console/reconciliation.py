"""Reconciliations with WeChat's bill: the days, and one day's figures and differences with their repairs."""

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Any

from fastapi.responses import Response
from starlette.exceptions import HTTPException

from gateway.console.acts import Act
from gateway.console.listing import SIZE, choice, older, page_of
from gateway.console.present import Present, Words
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn, Visit

router = new_router()


async def _run(visit: Visit, params: Mapping[str, Any], words: Words) -> Present:
    row = await visit.ask("payment", "reconciliationRun", {"date": params["date"]})
    return {
        "state": words.named("reconciliation", "state_", row["state"]),
        "problem": row["problem"] or "–",
        "payments": "–" if row["payments"] is None else str(row["payments"]),
        "amount": words.amount(row["paymentsFen"]),
        "refunds": "–" if row["refunds"] is None else str(row["refunds"]),
        "refund": words.amount(row["refundsFen"]),
        "finished": words.moment(row["finishedAt"]),
    }


ACTS: tuple[Act, ...] = (
    Act(
        name="reconcile",
        page="reconciliation",
        service="payment",
        method="reconcile",
        params={"date": str},
        money=True,
        look=_run,
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
