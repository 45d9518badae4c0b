"""Closing unpaid orders, by time and by the buyer: no order ends before WeChat's word is known."""

import asyncio
from typing import Any

from tests.service.order.support import STRANGER, Order, paid, payment_number, refunded

CANCEL = "/homestayOrder/cancelHomestayOrder"
TRADE = "order-update-tradestate-topic"


def taken(payment_sn: str, total_fen: int = 19900, version: int = 2) -> dict[str, Any]:
    return {"paymentSn": payment_sn, "payTime": "2026-11-23T01:40:00Z", "totalFen": total_fen, "version": version}


async def tick(order: Order) -> int:
    response = await order.inside("/jobs/order-close-unpaid")
    assert response.status_code == 200, response.text
    claimed: int = response.json()["claimed"]
    return claimed


async def payable(order: Order, sn: str) -> bool:
    response = await order.inside("/internal/payable", {"orderSn": sn})
    answer: bool = response.json()["payable"]
    return answer


async def test_an_order_is_left_alone_until_its_pay_window_ends(order: Order) -> None:
    sn = await order.create()
    order.clock.pass_by(seconds=1799)

    assert await tick(order) == 0
    assert await payable(order, sn)

    order.clock.pass_by(seconds=1)
    assert not await payable(order, sn)
    assert await tick(order) == 1
    assert order.states(sn) == [(1, None, 0), (2, 0, -1)]
    assert [(fact["orderSn"], fact["tradeState"]) for fact in order.facts(TRADE)] == [(sn, -1)]
    assert await tick(order) == 0


async def test_a_paid_order_is_never_closed(order: Order) -> None:
    sn, _ = await order.paid()
    order.clock.pass_by(hours=1)

    assert await tick(order) == 0
    assert order.row(sn)["trade_state"] == 1


async def test_paid_after_all_means_paid(order: Order) -> None:
    sn, payment_sn = await order.create(), payment_number()
    order.peers.payment_says("paid", **taken(payment_sn))
    order.clock.pass_by(minutes=30)

    assert await tick(order) == 1

    row = order.row(sn)
    assert (row["trade_state"], row["payment_sn"], row["closing_at"]) == (1, payment_sn, None)
    assert await order.hear(paid(sn, payment_sn=payment_sn)) == ["SUCCESS"]
    assert order.states(sn) == [(1, None, 0), (2, 0, 1)]
    assert order.facts("order-refund-requested-topic") == []


async def test_paid_after_all_and_refunded_meanwhile_still_ends_refunded(order: Order) -> None:
    sn, payment_sn = await order.create(), payment_number()
    order.peers.payment_says("paid", **taken(payment_sn, version=3))
    order.clock.pass_by(minutes=30)
    await tick(order)

    assert await order.hear(paid(sn, payment_sn=payment_sn, version=2)) == ["SUCCESS"]
    assert order.row(sn)["trade_state"] == 1
    assert await order.hear(refunded(sn, payment_sn, version=3)) == ["SUCCESS"]
    assert order.row(sn)["trade_state"] == 3


async def test_while_payment_is_away_the_order_stays_closing_and_is_asked_again_with_back_off(order: Order) -> None:
    sn = await order.create()
    order.peers.payment_is_away()
    order.clock.pass_by(minutes=30)

    assert await tick(order) == 1
    assert await tick(order) == 0
    row = order.row(sn)
    assert row["trade_state"] == 0
    assert row["closing_at"] == order.clock()
    assert (row["due_at"] - order.clock()).total_seconds() == 5
    assert row["leased_until"] is None

    order.clock.pass_by(seconds=5)
    assert await tick(order) == 1
    assert (order.row(sn)["due_at"] - order.clock()).total_seconds() == 10

    order.peers.payment_says("closed")
    order.clock.pass_by(seconds=10)
    assert await tick(order) == 1
    assert order.row(sn)["trade_state"] == -1


async def test_each_attempt_asks_under_a_key_of_its_own(order: Order) -> None:
    sn = await order.create()
    keys = []

    def answer(request):
        keys.append(request.headers["Idempotency-Key"])
        raise TimeoutError

    order.peers.answers["payment", "/internal/close"] = answer
    order.clock.pass_by(minutes=30)
    await tick(order)
    order.clock.pass_by(minutes=10)
    await tick(order)

    assert keys == [f"close-{sn}-1", f"close-{sn}-2"]


async def test_a_tick_that_died_is_made_good_when_its_lease_ends(order: Order) -> None:
    sn = await order.create()

    def die(_request):
        raise RuntimeError

    order.peers.answers["payment", "/internal/close"] = die
    order.clock.pass_by(minutes=30)
    assert await tick(order) == 1
    assert order.row(sn)["trade_state"] == 0

    order.peers.payment_says("closed")
    order.clock.pass_by(seconds=59)
    assert await tick(order) == 0
    order.clock.pass_by(seconds=1)
    assert await tick(order) == 1
    assert order.row(sn)["trade_state"] == -1


async def test_ticks_side_by_side_never_meet_on_an_order(order: Order) -> None:
    for _ in range(8):
        await order.create()
    order.clock.pass_by(minutes=30)

    claimed = await asyncio.gather(*(tick(order) for _ in range(4)))

    assert sum(claimed) == 8
    assert order.peers.asked("/internal/close") == 8
    assert [row["version"] for row in order.rows("select version from homestay_order")] == [2] * 8


async def test_an_amount_that_is_not_the_orders_leaves_it_closing_until_an_operator_acts(order: Order) -> None:
    sn = await order.create()
    order.peers.payment_says("paid", **taken(payment_number(), total_fen=1))
    order.clock.pass_by(minutes=30)

    assert await tick(order) == 1

    row = order.row(sn)
    assert (row["trade_state"], row["payment_sn"]) == (0, None)
    assert (row["due_at"] - order.clock()).total_seconds() == 3600


async def test_the_buyer_cancels(order: Order) -> None:
    sn = await order.create()

    response = await order.post(CANCEL, {"sn": sn})

    assert response.json()["data"] == {
        "sn": sn,
        "tradeState": -1,
        "closing": False,
        "refundOpen": False,
        "refundState": "none",
    }
    assert order.states(sn) == [(1, None, 0), (2, 0, -1)]
    again = await order.post(CANCEL, {"sn": sn})
    assert again.json() == response.json()
    assert order.row(sn)["version"] == 2


async def test_a_cancel_without_payment_is_kept_and_done_later(order: Order) -> None:
    sn = await order.create()
    order.peers.payment_is_away()

    response = await order.post(CANCEL, {"sn": sn})

    assert response.status_code == 200
    assert response.json()["data"] == {
        "sn": sn,
        "tradeState": 0,
        "closing": True,
        "refundOpen": False,
        "refundState": "none",
    }
    assert not await payable(order, sn)

    order.peers.payment_says("closed")
    order.clock.pass_by(seconds=5)
    assert await tick(order) == 1
    assert order.row(sn)["trade_state"] == -1


async def test_a_cancel_that_comes_after_the_money_is_refused_and_the_order_is_paid(order: Order) -> None:
    sn = await order.create()
    order.peers.payment_says("paid", **taken(payment_number()))

    response = await order.post(CANCEL, {"sn": sn})

    assert response.status_code == 409
    assert response.json()["type"] == "/problems/already-paid"
    assert order.row(sn)["trade_state"] == 1


async def test_a_payment_heard_while_payment_is_asked_wins(order: Order) -> None:
    sn = await order.create()
    order.peers.payment_is_away()
    await order.post(CANCEL, {"sn": sn})

    assert await order.hear(paid(sn)) == ["SUCCESS"]
    order.peers.payment_says("closed")
    order.clock.pass_by(minutes=5)

    assert await tick(order) == 0
    row = order.row(sn)
    assert (row["trade_state"], row["closing_at"]) == (1, None)


async def test_a_paid_order_cannot_be_cancelled(order: Order) -> None:
    sn, _ = await order.paid()

    response = await order.post(CANCEL, {"sn": sn})

    assert response.status_code == 409
    assert response.json()["type"] == "/problems/not-cancellable"
    assert order.row(sn)["version"] == 2


async def test_another_ones_order_cannot_be_cancelled_nor_told_from_none(order: Order) -> None:
    sn = await order.create()

    theirs = await order.post(CANCEL, {"sn": sn}, user=STRANGER)
    unknown = await order.post(CANCEL, {"sn": "HSO2026112309302600000000"}, user=STRANGER)

    assert theirs.status_code == unknown.status_code == 404
    assert theirs.json()["msg"] == unknown.json()["msg"]
    assert order.row(sn)["closing_at"] is None
