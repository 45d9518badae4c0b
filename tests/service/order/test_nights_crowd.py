"""Many buyers of the same nights at the same moment, on a bounded pool of real connections."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from random import Random

import pytest

from order.booking import BookingRequest
from order.errors import NightFull
from order.parts import Parts
from order.peers import CloseAnswer, Homestay
from order.pricing import Stay
from order.settings import Settings
from servicekit.db import Database
from servicekit.errors import Unavailable
from servicekit.testing import APP_TOKEN, FakeSidecar
from tests.service.order.nights import TAKEN, nights_are_right
from tests.service.order.support import Clock, snapshot

MORNING = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
DAY, START = 86400, int(MORNING.timestamp())


class Travel:
    def __init__(self) -> None:
        self.stock = 1

    async def homestay(self, _homestay_id: int, stay: Stay) -> Homestay:
        return Homestay.model_validate(snapshot(stay, stock=self.stock))


class Payment:
    async def close(self, _sn: str, _attempt: int) -> CloseAnswer:
        return CloseAnswer(outcome="neverPaid")


@pytest.fixture
def travel() -> Travel:
    return Travel()


@pytest.fixture
async def parts(order_database, sql, travel):
    db = Database(order_database, pool_size=10, pool_timeout=120, connect_seconds=30)
    clock, settings = Clock(MORNING), Settings(APP_API_TOKEN=APP_TOKEN)
    yield Parts.of(settings, clock=clock, sidecar=FakeSidecar(), db=db, travel=travel, payment=Payment())
    await db.close()


@pytest.fixture
def rows(sql):
    def rows(query):
        columns = (cursor := sql.execute(query.encode())).description
        return [dict(zip([each.name for each in columns], row, strict=True)) for row in cursor.fetchall()]

    return rows


def request(user: int, first: int = 0, nights: int = 1) -> BookingRequest:
    start = START + first * DAY
    return BookingRequest(user, 7, start, start + nights * DAY, 2, need_food=False, remark="")


async def attempt(parts: Parts, request: BookingRequest) -> str | None:
    """The number of the order, None when a night was full. Tries again while too many wait, as a client is told to. Any
    other error fails the test."""
    while True:
        try:
            return await parts.booking.create(request)
        except NightFull:
            return None
        except Unavailable as error:
            await asyncio.sleep(error.retry_after or 1)


async def test_of_a_thousand_buyers_of_one_night_one_gets_it(parts, rows):
    results = await asyncio.gather(*(attempt(parts, request(user)) for user in range(1001, 2001)))

    assert sum(sn is not None for sn in results) == 1
    assert rows("select count(*) from homestay_order") == [{"count": 1}]
    assert [row["taken"] for row in rows(TAKEN)] == [1]
    nights_are_right(rows)


async def test_three_rooms_and_overlapping_stays_are_sold_to_the_last_night_without_a_deadlock(parts, travel, rows):
    travel.stock, dice = 3, Random(12)  # noqa: S311 - a dice of tests
    wanted = [request(user, dice.randrange(10), dice.randint(1, 6)) for user in range(1001, 1301)]

    async def book_and_perhaps_cancel(request: BookingRequest) -> str | None:
        sn = await attempt(parts, request)
        if sn and request.user_id % 3 == 0:
            await parts.closing.cancel(request.user_id, sn)
        return sn

    results = await asyncio.gather(*(book_and_perhaps_cancel(each) for each in wanted))

    assert Counter(sn is None for sn in results)[False] >= 9
    nights_are_right(rows)
    # What is left is sold night by night, and not one more.
    singles = [request(3000 + number, number % 16) for number in range(64)]
    before = sum(row["taken"] for row in rows(TAKEN))
    sold = [sn for sn in await asyncio.gather(*(attempt(parts, each) for each in singles)) if sn]
    assert len(sold) == 3 * 16 - before
    assert {row["taken"] for row in rows(TAKEN)} == {3}
    nights_are_right(rows)
