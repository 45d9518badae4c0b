"""One user has a bounded number of unpaid orders: no buyer holds a host's nights without paying."""

import asyncio

import pytest

from order.settings import Settings
from servicekit.testing import APP_TOKEN
from tests.service.order.nights import CREATE, nights_are_right, taken
from tests.service.order.support import BUYER, STRANGER, Order, paid

MOST = 5
UNPAID = "select sn from homestay_order where trade_state = 0 and user_id = %s order by id"
TABLES = (
    "homestay_order",
    "homestay_night",
    "order_night",
    "order_transition",
    "(select id, event from outbox) as told",
)


@pytest.fixture
def most_unpaid() -> int:
    default = Settings(APP_API_TOKEN=APP_TOKEN).most_unpaid
    assert default == MOST
    return default


async def fill(order: Order) -> list[str]:
    return [await order.create(days=day) for day in range(MOST)]


async def test_the_fifth_unpaid_order_is_taken_and_the_sixth_is_refused(order: Order) -> None:
    await fill(order)
    before = order.everything(*TABLES)

    refused = await order.post(CREATE, order.booking_request(days=9))

    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["type"]) == (409, 103043, "/problems/too-many-unpaid")
    assert (problem["most"], problem["msg"]) == (5, "您已有 5 个待支付订单，请先支付或取消后再预订")
    assert order.everything(*TABLES) == before
    nights_are_right(order.rows)


async def test_other_users_are_not_affected(order: Order) -> None:
    await fill(order)

    await order.create(user=STRANGER)

    assert len(order.rows(UNPAID, STRANGER)) == 1


async def test_of_twenty_requests_at_once_five_are_taken(order: Order) -> None:
    answers = await asyncio.gather(*(order.post(CREATE, order.booking_request(days=day)) for day in range(20)))

    assert sorted(answer.status_code for answer in answers) == [200] * MOST + [409] * 15
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {103043}
    assert len(order.rows(UNPAID, BUYER)) == MOST
    assert list(taken(order).values()) == [1] * MOST
    nights_are_right(order.rows)


@pytest.mark.parametrize("end", ["paid", "cancelled"])
async def test_a_paid_or_a_cancelled_order_frees_its_place_for_one_more(order: Order, end: str) -> None:
    for sn in (await fill(order))[1:3]:
        if end == "paid":
            assert await order.hear(paid(sn)) == ["SUCCESS"]
        else:
            await order.post("/homestayOrder/cancelHomestayOrder", {"sn": sn})

    answers = await asyncio.gather(*(order.post(CREATE, order.booking_request(days=10 + day)) for day in range(4)))

    assert sorted(answer.status_code for answer in answers) == [200, 200, 409, 409]
    assert len(order.rows(UNPAID, BUYER)) == MOST


async def test_an_order_whose_closing_payment_cannot_confirm_keeps_its_place(order: Order) -> None:
    sns = await fill(order)
    order.peers.payment_is_away()
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": sns[0]})

    assert (await order.post(CREATE, order.booking_request(days=9))).json()["code"] == 103043


async def test_a_repeated_request_gets_its_order_also_when_all_places_are_taken(order: Order) -> None:
    body = order.booking_request(days=9)
    first = await order.post(CREATE, body, key="k-1")
    for day in range(MOST - 1):
        await order.create(days=day)
    order.rows("delete from idempotency_key returning key")

    again = await order.post(CREATE, body, key="k-1")

    assert again.json() == first.json()
    assert len(order.rows(UNPAID, BUYER)) == MOST


async def test_a_refused_key_may_be_used_when_a_place_is_free(order: Order) -> None:
    sns = await fill(order)
    assert (await order.post(CREATE, order.booking_request(days=9), key="k-1")).status_code == 409
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": sns[0]})

    assert (await order.post(CREATE, order.booking_request(days=9), key="k-1")).status_code == 200


async def test_a_full_night_takes_no_place(order: Order) -> None:
    order.peers.travel_offers(stock=1)
    await order.create(user=STRANGER)
    for _ in range(MOST + 1):
        assert (await order.post(CREATE, order.booking_request())).json()["code"] == 103034

    order.peers.travel_offers(stock=100)
    await fill(order)
