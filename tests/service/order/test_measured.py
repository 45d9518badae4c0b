"""Seconds from WeChat's success time to the order, once per payment; nights that were booked, and those refused."""

from datetime import UTC, datetime

import pytest

from tests.service.order.support import Order, paid, payment_number, refunded
from tests.support.metrics import Growth

DELAY = "order_confirmation_delay_seconds"
PAID_AT = datetime(2026, 11, 23, 1, 31, 20, tzinfo=UTC)
"""The success time of the events in `support`."""


@pytest.fixture(autouse=True)
def _seven_seconds_later(order: Order) -> None:
    order.clock.now = PAID_AT
    order.clock.pass_by(seconds=7)


def delays() -> tuple[Growth, Growth]:
    return Growth(f"{DELAY}_count"), Growth(f"{DELAY}_sum")


async def test_orders_that_are_paid_together_count_once_each(order: Order) -> None:
    events = [paid(await order.create()) for _ in range(3)]
    count, seconds = delays()
    assert await order.hear(*events) == await order.hear(*events) == ["SUCCESS"] * 3
    assert (count(), seconds()) == (3, 21)


async def test_a_payment_that_came_too_late_or_was_refunded_at_once_counts_as_well(order: Order) -> None:
    cancelled, gone = await order.create(), await order.create()
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": cancelled})
    count, seconds = delays()
    late = paid(cancelled)
    assert await order.hear(late, refunded(gone, payment_number(), version=2)) == ["SUCCESS"] * 2
    assert await order.hear(refunded(cancelled, late["data"]["paymentSn"])) == ["SUCCESS"]
    assert (count(), seconds()) == (2, 14)


async def test_a_payment_that_a_closing_finds_counts(order: Order) -> None:
    sn = await order.create()
    order.peers.payment_says(
        "paid", paymentSn=payment_number(), payTime="2026-11-23T01:31:20Z", totalFen=19900, version=2
    )
    count, seconds = delays()
    answer = await order.post("/homestayOrder/cancelHomestayOrder", {"sn": sn})
    assert answer.status_code == 409
    assert (order.row(sn)["trade_state"], count(), seconds()) == (1, 1, 7)


async def test_an_event_that_cannot_be_applied_counts_nothing(order: Order) -> None:
    count, _ = delays()
    assert await order.hear(paid(await order.create(), total_fen=1)) == ["DROP"]
    assert count() == 0


async def test_nights_are_counted_as_booked_full_or_closed(order: Order) -> None:
    grown = {outcome: Growth("order_nights_total", outcome=outcome) for outcome in ("booked", "full", "closed")}
    create = "/homestayOrder/createHomestayOrder"
    order.peers.travel_offers(stock=1)
    await order.create(days=3, nights=2)
    assert (await order.post(create, order.booking_request(days=4, nights=3))).status_code == 409
    order.peers.travel_offers(closed=["2026-12-25"])
    assert (await order.post(create, order.booking_request(days=31, nights=4))).status_code == 409
    assert {outcome: growth() for outcome, growth in grown.items()} == {"booked": 2, "full": 3, "closed": 4}
