"""Which days are to be reconciled and paid out, in whatever order they are asked for, and what is told of those that are
not done."""

import errno
from datetime import UTC, date, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from tests.service.payment.books import Shop
from tests.service.payment.support import rows

MONDAY = datetime(2026, 11, 23, 3, tzinfo=UTC)


class Books:
    """One of the two kinds of daily work, with the same words for both."""

    def __init__(self, shop, work, what, table, day, done):
        self.shop, self.work, self.what, self.table, self.day, self.done = shop, work, what, table, day, done

    async def days(self):
        return [row[self.day] for row in await rows(self.shop.db, f"{self.table} order by {self.day}")]

    async def finish(self, *but):
        statement = f"update {self.table} set {self.done} where {self.day} <> all (:but)"  # noqa: S608 - the test's own
        await self.shop.execute(statement, but=list(but))

    async def age(self):
        """In hours."""
        await self.work.measure()
        return REGISTRY.get_sample_value("payment_oldest_unfinished_day_seconds", {"what": self.what}) / 3600


@pytest.fixture(params=["reconciliation", "payouts"])
def books(request, db):
    shop = Shop(db)
    shop.now = MONDAY
    if request.param == "payouts":
        return Books(shop, shop.payouts, request.param, "payout_day", "day", "completed_at = now()")
    done = "state = 'done', finished_at = now()"
    return Books(shop, shop.reconciler, request.param, "reconciliation", "bill_date", done)


def november(*days):
    return [date(2026, 11, day) for day in days]


async def test_days_that_were_missed_are_wanted_though_an_operator_asked_for_a_newer_one_first(books):
    assert await books.work.schedule_due_days() == 1
    books.shop.now = MONDAY.replace(day=26)
    await books.work.schedule(date(2026, 11, 25), operator_id=9, note="why")
    assert await books.work.schedule_due_days() == 2
    assert await books.work.schedule_due_days() == 0
    assert await books.days() == november(22, 23, 24, 25)


async def test_a_day_that_is_done_is_not_wanted_again(books):
    await books.work.schedule_due_days()
    await books.finish()
    before = [dict(row) for row in await rows(books.shop.db, books.table)]
    assert await books.work.schedule_due_days() == 0
    assert [dict(row) for row in await rows(books.shop.db, books.table)] == before


async def test_no_more_than_the_last_31_days_are_wanted(books):
    await books.work.schedule(date(2026, 10, 1), operator_id=9, note="why")
    assert await books.work.schedule_due_days() == 31
    wanted = [date(2026, 10, 23) + timedelta(days=n) for n in range(31)]
    assert await books.days() == [date(2026, 10, 1), *wanted]
    assert wanted[-1] == date(2026, 11, 22)


async def test_the_age_of_the_oldest_day_that_is_not_done_is_told(books):
    assert await books.age() == 0
    await books.work.schedule_due_days()
    assert await books.age() == 0  # 11:00 in Shanghai: due this very moment
    books.shop.now += timedelta(hours=7)
    assert await books.age() == 7
    await books.finish()
    assert await books.age() == 0


async def test_a_day_that_was_never_scheduled_is_not_done_either(books):
    await books.work.schedule_due_days()
    await books.finish()
    books.shop.now += timedelta(days=3)
    assert await books.age() == 48
    await books.work.schedule_due_days()
    await books.finish(date(2026, 11, 24))
    assert await books.age() == 24


async def test_todays_bill_is_not_late(db):
    shop = Shop(db)
    await shop.reconciler.schedule(date(2026, 11, 23), operator_id=9, note="why")
    books = Books(shop, shop.reconciler, "reconciliation", "reconciliation", "bill_date", "")
    assert await books.age() == 0
    assert await books.work.schedule_due_days() == 1
    assert await books.days() == november(22, 23)


async def test_a_day_that_cannot_be_done_waits_with_its_reason_and_stops_no_other(db, monkeypatch):
    shop = Shop(db)
    await shop.reconciler.schedule_due_days()
    shop.now += timedelta(days=2)
    await shop.reconciler.schedule_due_days()
    trade = shop.bills.trade

    async def fails_once(day, target):
        await trade(day, target)
        if day == date(2026, 11, 22):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shop.bills, "trade", fails_once)
    with capture_logs() as logs:
        await shop.reconciler.run_scheduled()
    first, *others = await rows(db, "reconciliation order by bill_date")
    assert (first["state"], first["problem"]) == ("wanted", "OSError: [Errno 28] No space left on device")
    assert first["next_attempt_at"] == shop.now + timedelta(minutes=5)
    assert [(row["bill_date"].day, row["state"]) for row in others] == [(23, "done"), (24, "done")]
    [told] = [log for log in logs if log["event"] == "reconciliation must wait"]
    assert (told["day"], isinstance(told["exc_info"], OSError)) == ("2026-11-22", True)
    await shop.reconciler.run_scheduled()
    assert shop.bills.asked == november(22, 23, 24)
