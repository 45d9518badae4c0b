"""A night is sold as often as there is room, and is free again when its order ends."""

import asyncio

import psycopg
import pytest

from tests.service.order.nights import CREATE, nights_are_right, room, taken
from tests.service.order.support import BUYER, MERCHANT, STRANGER, Order, paid, payment_number, refunded

TODAY, TOMORROW, THIRD = "2026-11-23", "2026-11-24", "2026-11-25"
REQUESTED = "order-refund-requested-topic"
TABLES = ("homestay_order", "homestay_night", "order_night")


@pytest.fixture(autouse=True)
def _one_room_and_right_afterwards(order: Order):
    room(order, 1)
    yield
    nights_are_right(order.rows)


async def is_full(order: Order, night: str, **request: object) -> bool:
    """Whether the request is refused because of that night; nothing may change then."""
    before = order.everything(*TABLES)
    response = await order.post(CREATE, order.booking_request(**request), user=STRANGER)
    if response.status_code == 200:
        return False
    problem = response.json()
    assert response.status_code == 409
    assert (problem["type"], problem["code"], problem["field"]) == ("/problems/night-full", 103034, "liveStartTime")
    assert problem["night"] == night
    assert night in problem["title"]
    assert night in problem["msg"]
    assert order.everything(*TABLES) == before
    return True


async def test_a_night_of_one_room_is_sold_once(order: Order) -> None:
    await order.create()

    assert await is_full(order, TODAY)
    assert taken(order) == {TODAY: 1}


async def test_the_first_date_that_is_full_is_named(order: Order) -> None:
    await order.create(days=1)
    await order.create(days=2)

    assert await is_full(order, TOMORROW, days=0, nights=4)
    assert taken(order) == {TOMORROW: 1, THIRD: 1}


async def test_one_leaves_on_the_day_on_which_the_next_arrives(order: Order) -> None:
    await order.create(days=1)

    await order.create(days=0, user=STRANGER)
    await order.create(days=2, user=STRANGER)

    assert taken(order) == {TODAY: 1, TOMORROW: 1, THIRD: 1}


async def test_three_rooms_are_sold_three_times(order: Order) -> None:
    room(order, 3)
    for _ in range(3):
        await order.create(livePeopleNum=4)

    assert await is_full(order, TODAY, livePeopleNum=1)


async def test_a_homestay_sold_by_person_sells_beds(order: Order) -> None:
    room(order, 5, rowType=1)
    await order.create(livePeopleNum=3)

    assert await is_full(order, TODAY, livePeopleNum=3)
    await order.create(livePeopleNum=2)
    assert taken(order) == {TODAY: 5}


@pytest.mark.parametrize(("stock", "people"), [(0, 1), (1, 2)])
async def test_more_than_there_is_at_all_is_refused_like_a_full_night(order: Order, stock: int, people: int) -> None:
    room(order, stock, rowType=1)

    assert await is_full(order, TODAY, livePeopleNum=people, nights=2)


async def test_a_cancelled_order_frees_its_nights_once(order: Order) -> None:
    sn = await order.create(nights=3)

    for _ in range(2):
        await order.post("/homestayOrder/cancelHomestayOrder", {"sn": sn})

    assert taken(order) == {}
    await order.create(nights=3, user=STRANGER)


async def test_an_order_that_waits_for_its_closing_still_holds_its_nights(order: Order) -> None:
    sn = await order.create()
    order.peers.payment_is_away()

    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": sn})

    assert order.row(sn)["trade_state"] == 0
    assert await is_full(order, TODAY)


async def test_a_refund_frees_the_nights_that_have_not_begun(order: Order) -> None:
    sn, payment_sn = await order.paid(nights=3)
    order.clock.pass_by(hours=3)  # 12:30: the first night has begun

    event = refunded(sn, payment_sn, total_fen=59700)
    assert await order.hear(event) == ["SUCCESS"]
    assert await order.hear(event) == ["SUCCESS"]

    assert order.row(sn)["trade_state"] == 3
    assert taken(order) == {TODAY: 1}
    assert await is_full(order, TODAY, nights=3)
    await order.create(days=1, nights=2, user=STRANGER)


async def test_until_noon_a_refund_frees_this_night_too(order: Order) -> None:
    sn, payment_sn = await order.paid(nights=2)

    await order.hear(refunded(sn, payment_sn, total_fen=39800))

    assert taken(order) == {}


async def test_a_used_order_and_an_expired_one_keep_their_nights(order: Order) -> None:
    used, _ = await order.paid(nights=2)
    expired, _ = await order.paid(days=2)
    code = order.row(used)["checkin_code"]
    assert (await order.merchant("/verifyTradeCode", {"tradeCode": code}, user=MERCHANT)).status_code == 200
    order.clock.pass_by(days=3, hours=3)
    await order.inside("/jobs/order-expire-stays")

    assert (order.row(used)["trade_state"], order.row(expired)["trade_state"]) == (2, 4)
    assert taken(order) == {TODAY: 1, TOMORROW: 1, THIRD: 1}


async def test_the_same_key_takes_its_nights_once(order: Order) -> None:
    first = await order.post(CREATE, order.booking_request(nights=2), key="k-1")
    again = await order.post(CREATE, order.booking_request(nights=2), key="k-1")
    order.rows("delete from idempotency_key returning key")
    later = await order.post(CREATE, order.booking_request(nights=2), key="k-1")

    assert first.status_code == 200
    assert first.json() == again.json() == later.json()
    assert taken(order) == {TODAY: 1, TOMORROW: 1}


async def test_the_same_key_at_the_same_moment_takes_its_nights_once(order: Order) -> None:
    room(order, 10)
    answers = await asyncio.gather(*(order.post(CREATE, order.booking_request(), key="k-1") for _ in range(5)))

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert "/problems/night-full" not in {answer.json().get("type") for answer in answers}
    assert taken(order) == {TODAY: 1}


async def test_a_key_whose_request_was_refused_may_be_used_again(order: Order) -> None:
    sn = await order.create()
    assert (await order.post(CREATE, order.booking_request(), user=STRANGER, key="k-1")).status_code == 409
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": sn})

    assert (await order.post(CREATE, order.booking_request(), user=STRANGER, key="k-1")).status_code == 200


async def test_a_late_payment_goes_back_and_the_new_owner_of_the_night_keeps_it(order: Order) -> None:
    late = await order.create()
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": late})
    other, _ = await order.paid(user=STRANGER)
    money = paid(late)

    assert await order.hear(money) == ["SUCCESS"]
    assert await order.hear(money) == ["SUCCESS"]

    assert (order.row(late)["trade_state"], order.row(other)["trade_state"]) == (-1, 1)
    [fact] = order.facts(REQUESTED)
    assert (fact["orderSn"], fact["paymentSn"], fact["refundFen"], fact["cause"]) == (
        late,
        money["data"]["paymentSn"],
        19900,
        "late-payment",
    )
    assert order.row(other)["refund_state"] == "none"
    assert taken(order) == {TODAY: 1}
    await order.hear(refunded(late, money["data"]["paymentSn"]))
    assert taken(order) == {TODAY: 1}


async def test_a_payment_that_was_refunded_before_it_was_heard_of_frees_the_night(order: Order) -> None:
    sn = await order.create()

    await order.hear(refunded(sn, payment_number()))

    assert order.states(sn) == [(1, None, 0), (2, 0, 1), (3, 1, 3)]
    assert taken(order) == {}


async def test_a_lowered_stock_breaks_nothing_that_is_sold_and_sells_nothing_above_it(order: Order) -> None:
    room(order, 3)
    sold = [await order.create() for _ in range(3)]
    room(order, 1)

    assert await is_full(order, TODAY)
    for sn in sold[:2]:
        await order.post("/homestayOrder/cancelHomestayOrder", {"sn": sn})
    assert await is_full(order, TODAY)
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": sold[2]})
    await order.create(user=STRANGER)
    assert order.rows("select taken, stock from homestay_night") == [{"taken": 1, "stock": 1}]


async def test_a_raised_stock_is_sold_at_once(order: Order) -> None:
    await order.create()
    room(order, 2)

    await order.create(user=STRANGER)

    assert order.rows("select taken, stock from homestay_night") == [{"taken": 2, "stock": 2}]


@pytest.mark.parametrize("before", ["room", "bed"])
async def test_a_night_taken_by_the_room_sells_no_bed_and_the_other_way_round(order: Order, before: str) -> None:
    """A paid for the whole room; then the host sells six beds."""
    units = [{"stock": 1, "rowType": 0}, {"stock": 6, "rowType": 1}]
    first, second = units if before == "room" else units[::-1]
    order.peers.travel_offers(**first)
    sn = await order.create(days=1, livePeopleNum=1)
    order.peers.travel_offers(**second | {"stock": 6})

    assert await is_full(order, TOMORROW, livePeopleNum=3, nights=3)
    await order.create(days=2, livePeopleNum=3, user=STRANGER)  # a night that is not taken
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": sn})

    await order.create(days=1, livePeopleNum=3, user=STRANGER)
    assert taken(order) == dict.fromkeys((TOMORROW, THIRD), 3 if before == "room" else 1)


async def test_beds_left_of_a_night_are_sold_when_the_host_sells_beds_again(order: Order) -> None:
    order.peers.travel_offers(stock=6, rowType=1)
    await order.create(livePeopleNum=2)
    order.peers.travel_offers(stock=6, rowType=0)
    assert await is_full(order, TODAY)
    order.peers.travel_offers(stock=6, rowType=1)

    await order.create(livePeopleNum=4, user=STRANGER)

    assert order.rows("select taken, stock, sold_by from homestay_night") == [{"taken": 6, "stock": 6, "sold_by": 1}]


async def test_the_constraint_refuses_what_code_would_let_through(order: Order) -> None:
    await order.create(user=BUYER)

    for wrong in ("taken = 2", "taken = -1", "stock = 0"):
        with pytest.raises(psycopg.errors.CheckViolation, match="ck_homestay_night_taken"):
            order.rows(f"update homestay_night set {wrong}")  # noqa: S608
