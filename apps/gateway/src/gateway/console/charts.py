"""The last hours as charts, drawn here from the services' own tables; every figure also stands in a table."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from fastapi.responses import Response

from gateway.console import charting
from gateway.console.acts import Act
from gateway.console.listing import choice
from gateway.console.routing import new_router
from gateway.console.visits import SignedIn

router = new_router()
ACTS: tuple[Act, ...] = ()
SPANS = {"24": (10, 180), "6": (5, 60), "1": (1, 10)}
"""Hours → (minutes of a step, minutes between two times on the axis)."""


@router.get("/console/charts")
async def show(visit: SignedIn) -> Response:
    """A service that does not respond leaves its charts away, and is named."""
    hours = choice(visit, "hours", SPANS) or "24"
    minutes, tick_minutes = SPANS[hours]
    step, every = timedelta(minutes=minutes), timedelta(minutes=tick_minutes)
    query = {"hours": int(hours), "stepMinutes": minutes}
    payment, order = await asyncio.gather(
        visit.read("payment", "paymentStatistics", query), visit.read("order", "confirmationStatistics", query)
    )

    def drawn(data: Mapping[str, Any], series: Mapping[str, Mapping[datetime, float]], absent: float | None) -> Any:
        since, until = (datetime.fromisoformat(data[name]) for name in ("since", "until"))
        return charting.lines(since, until, step, series, every=every, absent=absent)

    rate = confirmed = settled = None
    failures: list[charting.Bar] = []
    if (data := payment.data) is not None:
        ended = datetime.fromisoformat(data["until"]) - step  # the last step still counts: it has no rate yet
        per_minute = {at: count / minutes for at, count in _by_step(data["paid"], "count").items() if at < ended}
        rate = drawn(data | {"until": ended.isoformat()}, {"rate": per_minute}, 0)
        settled = drawn(data, _percentiles(data["paid"]), None)
        reasons = {**visit.texts("reviews"), **visit.texts("charts")}
        failures = charting.bars([(_failure(each, reasons), each["count"]) for each in data["failures"]])
    if order.data is not None:
        confirmed = drawn(order.data, _percentiles(order.data["confirmed"]), None)
    return visit.page(
        "charts",
        missing_of=[each for each in (payment, order) if each.data is None],
        payment=payment.data,
        order=order.data,
        rate=rate,
        settled=settled,
        confirmed=confirmed,
        failures=failures,
        hours=hours,
        spans=SPANS,
        minutes=minutes,
        size=(charting.WIDTH, charting.HEIGHT, charting.LEFT, charting.WIDTH - charting.RIGHT),
    )


def _by_step(rows: Sequence[Mapping[str, Any]], member: str) -> dict[datetime, float]:
    return {datetime.fromisoformat(row["at"]): row[member] for row in rows}


def _percentiles(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[datetime, float]]:
    return {name: _by_step(rows, f"{name}Seconds") for name in ("p50", "p99")}


def _failure(row: Mapping[str, Any], reasons: Mapping[str, str]) -> str:
    """What the kind of failure is called."""
    name = f"reason_{row['cause']}" if row["kind"] == "review" else f"without_callback_{row['cause']}"
    return reasons.get(name, f"{row['kind']} {row['cause']}")
