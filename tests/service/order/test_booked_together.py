"""Orders that come together are one transaction, and each has its own result."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import psycopg
import pytest

from order.main import create_app
from order.settings import Settings
from servicekit.testing import APP_TOKEN, Tokens, client
from tests.service.order.nights import CREATE, nights_are_right, room, taken
from tests.service.order.support import BUYER, Order, paid

TODAY, TOMORROW = "2026-11-23", "2026-11-24"
TRANSACTIONS = "select count(distinct xmin::text) as n, count(*) as orders from homestay_order"
STATES = "select count(*) as n from order_transition where seq = 1 and from_state is null and to_state = 0"


async def together(order: Order, *requests: tuple[int, dict[str, object]]) -> list[httpx.Response]:
    """The responses to the users' requests, which wait for the same batch behind one that came before."""
    before = order.post(CREATE, order.booking_request(days=300), user=9999)
    sent = [order.post(CREATE, order.booking_request(**request), user=user) for user, request in requests]
    return (await asyncio.gather(before, *sent))[1:]


@pytest.fixture(autouse=True)
def _right_afterwards(order: Order):
    yield
    nights_are_right(order.rows)
    [states], [orders] = order.rows(STATES), order.rows("select count(*) as n from homestay_order")
    assert states == orders


async def test_many_are_stored_in_few_transactions(order: Order) -> None:
    answers = await together(order, *((BUYER + n, {"days": n % 7, "nights": 1 + n % 3}) for n in range(60)))

    assert {each.status_code for each in answers} == {200}
    [found] = order.rows(TRANSACTIONS)
    assert found["orders"] == 61
    assert found["n"] <= 20
    assert len({each.json()["data"]["orderSn"] for each in answers}) == 60


async def test_each_refusal_is_of_its_own_order(order: Order) -> None:
    room(order, 2)
    await order.create(days=1, user=1)
    await order.create(days=1, user=2)

    answers = await together(order, (11, {}), (12, {"nights": 2}), (13, {}), (14, {}), (15, {"days": 2}))

    assert [each.status_code for each in answers] == [200, 409, 200, 409, 200]
    assert [answers[place].json()["night"] for place in (1, 3)] == [TOMORROW, TODAY]
    assert taken(order) == {TODAY: 2, TOMORROW: 2, "2026-11-25": 1, "2027-09-19": 1}
    assert {row["user_id"] for row in order.rows("select user_id from homestay_order")} == {1, 2, 11, 13, 15, 9999}


async def test_a_value_that_the_table_refuses_harms_no_other(order: Order, sql: psycopg.Connection) -> None:
    sql.execute("alter table homestay_order add constraint no_13 check (user_id <> 13)")
    try:
        answers = await together(order, (11, {}), (13, {}), (12, {"days": 1}))
    finally:
        sql.execute("alter table homestay_order drop constraint no_13")

    assert [each.status_code for each in answers] == [200, 500, 200]
    assert taken(order) == {TODAY: 1, TOMORROW: 1, "2027-09-19": 1}


async def test_one_event_tells_the_nights_of_many(order: Order) -> None:
    await together(order, *((BUYER + n, {"days": n % 3}) for n in range(30)))

    facts = order.facts("order-nights-topic")
    assert len(facts) <= 20
    newest = {each["night"]: each for fact in facts for each in sorted(fact["nights"], key=lambda e: e["version"])}
    assert [newest[night]["taken"] for night in (TODAY, TOMORROW, "2026-11-25")] == [10, 10, 10]


async def test_orders_of_one_user_get_slots_of_their_own(order: Order) -> None:
    answers = await together(order, *((BUYER, {"days": n}) for n in range(12)))

    assert {each.status_code for each in answers} == {200}
    slots = order.rows("select unpaid_slot from homestay_order where user_id = %s", BUYER)
    assert len({row["unpaid_slot"] for row in slots}) == 12


class TestWithFewSlots:
    @pytest.fixture
    def most_unpaid(self) -> int:
        return 3

    async def test_a_refused_order_leaves_its_slot_to_the_users_next(self, order: Order) -> None:
        room(order, 1)
        await order.create(user=1)

        answers = await together(
            order, (BUYER, {}), (BUYER, {"days": 1}), (BUYER, {"days": 2}), (BUYER, {"days": 3}), (BUYER, {"days": 4})
        )

        found = Counter(each.json().get("code") for each in answers)
        assert found == {200: 3, 103034: 1, 103043: 1}
        assert answers[0].json()["code"] == 103034

    async def test_a_paid_order_gives_its_slot_back(self, order: Order) -> None:
        sns = [
            each.json()["data"]["orderSn"] for each in await together(order, *((BUYER, {"days": n}) for n in range(3)))
        ]
        assert (await order.post(CREATE, order.booking_request(days=5))).json()["code"] == 103043
        assert await order.hear(paid(sns[0])) == ["SUCCESS"]
        await order.create(days=5)


class TestWithANightThatAnotherTransactionHolds:
    """A replica that froze within a transaction, or an operator's psql."""

    @pytest.fixture
    def held(self, order: Order, order_database: str) -> Iterator[psycopg.Connection]:
        with psycopg.connect(order_database) as other:
            yield other
            other.rollback()

    async def test_other_nights_are_sold_at_once(self, order: Order, held: psycopg.Connection) -> None:
        await order.create(days=1, user=1)
        held.execute("select from homestay_night where night = %s for update", (TOMORROW,))

        waiting = [
            asyncio.create_task(order.post(CREATE, order.booking_request(days=1), user=20 + n)) for n in range(6)
        ]
        answers = await together(order, *((40 + n, {"days": 2 + n % 5}) for n in range(36)))

        assert {each.status_code for each in answers} == {200}
        assert not any(each.done() for each in waiting), "only those who want the held night wait"
        held.rollback()
        assert Counter([each.status_code for each in await asyncio.gather(*waiting)]) == {200: 6}
        assert taken(order)[TOMORROW] == 7

    async def test_a_new_night_that_another_inserts_holds_up_no_other(
        self, order: Order, held: psycopg.Connection
    ) -> None:
        held.execute("insert into homestay_night values (7, %s, 1, 1, 1, 0)", (TOMORROW,))

        one = asyncio.create_task(order.post(CREATE, order.booking_request(days=1), user=20))
        answers = await together(order, (21, {}), (22, {"days": 3}))

        assert [each.status_code for each in answers] == [200, 200]
        assert not one.done()
        held.rollback()
        assert (await one).status_code == 200
        assert taken(order) == {TODAY: 1, TOMORROW: 1, "2026-11-26": 1, "2027-09-19": 1}

    async def test_who_waits_too_long_is_told_to_come_again_and_has_no_order(
        self, order: Order, held: psycopg.Connection
    ) -> None:
        await order.create(days=1, user=1)
        held.execute("select from homestay_night where night = %s for update", (TOMORROW,))

        answers = await together(order, (11, {"days": 1}), (12, {"days": 1}), (13, {}))

        assert [each.status_code for each in answers] == [503, 503, 200]
        held.rollback()
        assert {row["user_id"] for row in order.rows("select user_id from homestay_order")} == {1, 13, 9999}
        assert taken(order)[TOMORROW] == 1


async def answered(order: Order, request: dict[str, Any], *, user: int) -> httpx.Response:
    """As a buyer who comes again when there was no room just then: a machine that stalls for seconds refuses so."""
    while (answer := await order.post(CREATE, request, user=user)).status_code == 503:
        await asyncio.sleep(0.2)
    return answer


class TestWithTwoReplicas:
    @pytest.fixture
    async def other(
        self, order: Order, order_database: str, order_tokens: Tokens, sql: psycopg.Connection
    ) -> AsyncIterator[Order]:
        settings = Settings(database_url=order_database, APP_API_TOKEN=APP_TOKEN, database_pool_size=10)
        app = create_app(settings, clock=order.clock, sidecar=order.peers, verifier=order_tokens.verifier())
        async with client(app) as http:
            yield Order(http, order.clock, order.peers, order_tokens, sql)

    async def test_they_sell_the_last_rooms_once_and_no_one_fails(self, order: Order, other: Order) -> None:
        room(order, 3)
        requests = [{"days": n % 5, "nights": 1 + n % 3} for n in range(60)]

        sent = [
            answered(each, each.booking_request(**request), user=100 + place)
            for place, request in enumerate(requests)
            for each in (order, other)
        ]
        answers = await asyncio.gather(*sent)

        found = Counter(each.status_code for each in answers)
        assert set(found) == {200, 409}
        assert found[200] == len(order.rows("select id from homestay_order"))
        assert max(taken(order).values()) == 3
        assert {each.json()["code"] for each in answers if each.status_code == 409} == {103034}
