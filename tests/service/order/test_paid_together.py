"""A delivery of many payment events is one transaction for the plain ones; a bad one harms no other."""

import asyncio
from typing import Any

import psycopg
import pytest

from order import codes
from tests.service.order.support import Order, paid, payment_number, refunded

TRADE, REFUND = "order-update-tradestate-topic", "order-refund-requested-topic"


async def test_a_delivery_of_many_turns_each_order_to_paid_once(order: Order) -> None:
    sns = [await order.create() for _ in range(20)]
    events = [paid(sn) for sn in sns]

    assert await order.hear(*events) == ["SUCCESS"] * 20
    assert await order.hear(*events) == ["SUCCESS"] * 20

    for sn, event in zip(sns, events, strict=True):
        row = order.row(sn)
        assert (row["trade_state"], row["version"]) == (1, 2)
        assert row["payment_sn"] == event["data"]["paymentSn"]
        assert row["paid_at"].isoformat() == "2026-11-23T01:31:20+00:00"
        assert order.states(sn) == [(1, None, 0), (2, 0, 1)]
    assert len({order.row(sn)["checkin_code"] for sn in sns}) == 20
    assert [fact["orderSn"] for fact in order.facts(TRADE)] == sns
    assert order.rows("select count(*) from inbox") == [{"count": 20}]
    assert order.rows("select count(*), min(version), max(pay_status) from order_payment") == [
        {"count": 20, "min": 2, "max": 1}
    ]


async def test_a_delivery_with_every_kind_at_once_handles_each_as_if_it_were_alone(order: Order) -> None:
    plain, wrong_amount, twice = [await order.create() for _ in range(3)]
    cancelled = await order.create()
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": cancelled})
    already, first_payment = await order.paid()
    gone, gone_payment = await order.paid()
    unreadable: dict[str, Any] = {"id": "x", "source": "minsu/payment", "data": {"orderSn": "unreadable"}}
    other_business = paid("SHP2026112309302612345678", total_fen=500)
    other_business["data"]["serviceType"] = "shop"

    statuses = await order.hear(
        paid(plain),
        paid(wrong_amount, total_fen=1),
        paid("HSO2026112309309999999999"),
        paid(cancelled),
        paid(already),
        refunded(gone, gone_payment),
        unreadable,
        other_business,
        paid(twice),
        paid(twice),
    )

    assert statuses == [
        "SUCCESS",
        "DROP",
        "DROP",
        "SUCCESS",
        "SUCCESS",
        "SUCCESS",
        "DROP",
        "SUCCESS",
        "SUCCESS",
        "SUCCESS",
    ]
    states = {sn: order.row(sn)["trade_state"] for sn in (plain, wrong_amount, cancelled, already, gone, twice)}
    assert states == {plain: 1, wrong_amount: 0, cancelled: -1, already: 1, gone: 3, twice: 1}
    assert order.row(already)["payment_sn"] == first_payment
    given_back = {fact["orderSn"]: fact["cause"] for fact in order.facts(REFUND)}
    assert given_back == {
        cancelled: "late-payment",
        already: "duplicate-payment",
        twice: "duplicate-payment",
    }
    assert order.rows("select count(*) from inbox") == [{"count": 8}]  # two from before, six now: not the dropped ones


async def test_a_check_in_code_that_is_taken_costs_the_others_nothing(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, _ = await order.paid()
    code = order.row(taken)["checkin_code"]
    sns = [await order.create() for _ in range(3)]
    coming = iter(["AAAA3333", code, "CCCC3333", "DDDD3333", "EEEE3333", "FFFF3333"])
    monkeypatch.setattr(codes, "new_code", lambda: next(coming))

    assert await order.hear(*(paid(sn) for sn in sns)) == ["SUCCESS"] * 3

    assert {order.row(sn)["checkin_code"] for sn in sns} == {"DDDD3333", "EEEE3333", "FFFF3333"}
    assert [order.states(sn) for sn in sns] == [[(1, None, 0), (2, 0, 1)]] * 3


async def test_the_same_deliveries_at_the_same_moment_take_effect_once(order: Order) -> None:
    sns = [await order.create() for _ in range(12)]
    events = [paid(sn) for sn in sns]

    answers = await asyncio.gather(*(order.hear(*side) for side in (events, events[::-1], events[3:], events[:5])))

    assert {status for answer in answers for status in answer} == {"SUCCESS"}
    assert [order.states(sn) for sn in sns] == [[(1, None, 0), (2, 0, 1)]] * 12
    assert sorted(fact["orderSn"] for fact in order.facts(TRADE)) == sorted(sns)
    assert order.facts(REFUND) == []


async def test_deliveries_that_arrive_together_share_transactions(order: Order) -> None:
    sns = [await order.create() for _ in range(12)]

    answers = await asyncio.gather(
        *(order.hear(paid(first), paid(second)) for first, second in zip(sns[::2], sns[1::2], strict=True))
    )

    assert answers == [["SUCCESS", "SUCCESS"]] * 6
    assert [order.states(sn) for sn in sns] == [[(1, None, 0), (2, 0, 1)]] * 12
    written = order.rows("select count(distinct xmin::text) from homestay_order where trade_state = 1")
    assert 1 <= written[0]["count"] < 6


async def test_a_late_event_of_a_known_payment_is_old_in_a_delivery_too(order: Order) -> None:
    sn, payment_sn = await order.paid()
    others = [await order.create() for _ in range(2)]

    statuses = await order.hear(
        paid(others[0]), paid(sn, payment_sn=payment_sn), paid(others[1], payment_sn=payment_number())
    )

    assert statuses == ["SUCCESS"] * 3
    assert order.row(sn)["version"] == 2
    assert [order.row(other)["trade_state"] for other in others] == [1, 1]


async def test_an_order_that_another_transaction_holds_delays_nothing_but_itself(
    order: Order, order_database: str
) -> None:
    sns = [await order.create() for _ in range(3)]
    async with await psycopg.AsyncConnection.connect(order_database) as holder:
        await holder.execute("select 1 from homestay_order where sn = %s for update", [sns[1]])
        delivery = asyncio.create_task(order.hear(*(paid(sn) for sn in sns)))
        async with asyncio.timeout(10):
            while [order.row(sn)["trade_state"] for sn in sns] != [1, 0, 1]:
                await asyncio.sleep(0.01)
    assert await delivery == ["SUCCESS"] * 3
    assert [order.row(sn)["trade_state"] for sn in sns] == [1, 1, 1]
