"""Operators' requests about money: payments, what should end, statistics, days."""

from collections.abc import Iterator
from typing import Any

from minsu.api import Api
from minsu.ops import PAGE, ask, given, pages


def payments(api: Api, *, status: int | None, older_than: int | None, count: int) -> list[dict[str, Any]]:
    """`status` -1 closed, 0 waiting, 1 paid, 2 refunded; `older_than` seconds."""
    query = given(payStatus=status, olderThanSeconds=older_than)
    return list(pages(api, "payment", "paymentList", query, count))


def unfinished(api: Api) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ask(api, "payment", "unfinishedStatus")["list"]
    return rows


def statistics(api: Api, *, hours: int, step_minutes: int) -> dict[str, Any]:
    """Payment's and order's figures of the last hours; steps without any are absent."""
    query = {"hours": hours, "stepMinutes": step_minutes}
    found = ask(api, "payment", "paymentStatistics", query)
    return {**found, "confirmed": ask(api, "order", "confirmationStatistics", query)["confirmed"]}


def reconciliations(api: Api, *, count: int) -> list[dict[str, Any]]:
    return list(_days(api, "reconciliationRunList", "date", count))


def payout_days(api: Api, *, count: int) -> list[dict[str, Any]]:
    return list(_days(api, "payoutDayList", "day", count))


def _days(api: Api, name: str, member: str, count: int) -> Iterator[dict[str, Any]]:
    """Rows that are told apart by a day, newest first, `count` of them at most."""
    before, left = None, count
    while left > 0:
        size = min(PAGE, left)
        rows = ask(api, "payment", name, {**given(before=before), "pageSize": size})["list"]
        yield from rows
        if len(rows) < size:
            return
        left -= size
        before = rows[-1][member]
