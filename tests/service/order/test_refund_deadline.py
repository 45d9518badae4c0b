"""A merchant has the whole time to answer, also when the stay ends meanwhile; the order is held until it is decided."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.order.support import Order, refunded

ASK, DECIDE, CHECK_IN = "/homestayOrder/refundHomestayOrder", "/refundDecision", "/verifyTradeCode"
EXPIRE = "/jobs/order-expire-stays"
REFUND, NEWS = "order-refund-requested-topic", "order-update-refund-topic"
BOOKED = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)  # 09:30 in Shanghai
FIRST_NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def last_noon(nights: int) -> datetime:
    return FIRST_NOON + timedelta(days=nights)


async def asked(order: Order, *, nights: int, at: datetime) -> tuple[str, str]:
    order.clock.now = BOOKED
    sn, payment_sn = await order.paid(nights=nights)
    order.clock.now = at
    answer = await order.post(ASK, {"sn": sn, "reason": "行程有变"})
    assert answer.json()["data"]["refundState"] == "asked"
    return sn, payment_sn


async def tick(order: Order, at: datetime) -> int:
    order.clock.now = at
    claimed: int = (await order.inside(EXPIRE)).json()["claimed"]
    return claimed


@pytest.mark.parametrize("nights", [1, 2, 5])
@pytest.mark.parametrize("before_noon", [TICK, timedelta(minutes=1), timedelta(hours=3)], ids=str)
async def test_asked_just_before_noon_of_the_last_day_the_merchant_still_has_a_day(
    order: Order, nights: int, before_noon: timedelta
) -> None:
    noon = last_noon(nights)
    at = noon - before_noon
    sn, payment_sn = await asked(order, nights=nights, at=at)
    held = order.row(sn)

    for moment in (noon, noon + timedelta(hours=1), at + timedelta(days=1) - TICK):
        assert await tick(order, moment) == 0
        assert (order.row(sn), order.facts(REFUND)) == (held, [])
    assert await tick(order, at + timedelta(days=1)) == 1

    row = order.row(sn)
    assert (row["trade_state"], row["refund_state"]) == (1, "agreed")
    assert [(fact["paymentSn"], fact["cause"]) for fact in order.facts(REFUND)] == [(payment_sn, "buyer")]
    assert await tick(order, at + timedelta(days=3)) == 0
    await order.hear(refunded(sn, payment_sn))
    assert order.row(sn)["trade_state"] == 3


async def test_between_noon_and_the_answer_the_stay_is_neither_used_nor_counted_as_unused(order: Order) -> None:
    sn, _ = await asked(order, nights=1, at=last_noon(1) - timedelta(minutes=1))
    order.clock.now = last_noon(1) + timedelta(hours=2)
    held = order.row(sn)

    late = await order.merchant(CHECK_IN, {"tradeCode": held["checkin_code"]})

    assert (late.status_code, late.json()["type"]) == (409, "/problems/refund-open")
    assert (order.row(sn), order.states(sn)) == (held, [(1, None, 0), (2, 0, 1)])


async def test_refused_after_the_last_noon_the_stay_was_not_used_and_cannot_be_asked_back_again(order: Order) -> None:
    sn, _ = await asked(order, nights=1, at=last_noon(1) - timedelta(minutes=1))
    order.clock.now = last_noon(1) + timedelta(hours=20)

    refused = await order.merchant(DECIDE, {"sn": sn, "agree": False, "note": "已入住"})
    again = await order.post(ASK, {"sn": sn, "reason": ""})

    assert refused.json()["data"]["refundState"] == "refused"
    assert (again.status_code, again.json()["type"]) == (409, "/problems/not-refundable")
    assert await tick(order, order.clock.now) == 1
    row = order.row(sn)
    assert (row["trade_state"], row["refund_state"], order.facts(REFUND)) == (4, "refused", [])


@pytest.mark.parametrize("late", [timedelta(0), TICK, timedelta(days=1)], ids=str)
async def test_from_noon_after_the_last_night_nothing_can_be_asked_back(order: Order, late: timedelta) -> None:
    sn, _ = await order.paid(nights=2)
    order.clock.now = last_noon(2) + late
    before = order.row(sn)

    answer = await order.post(ASK, {"sn": sn, "reason": ""})

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-refundable")
    assert (order.row(sn), order.facts(NEWS)) == (before, [])


async def test_in_the_middle_of_a_long_stay_a_day_is_enough_as_well(order: Order) -> None:
    at = FIRST_NOON + timedelta(hours=1)
    sn, _ = await asked(order, nights=5, at=at)

    assert await tick(order, at + timedelta(days=1) - TICK) == 0
    assert await tick(order, at + timedelta(days=1)) == 1
    assert order.row(sn)["refund_state"] == "agreed"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nights=st.integers(1, 6), data=st.data())
async def test_whenever_it_is_asked_the_rule_agrees_exactly_a_day_later(
    order: Order, nights: int, data: st.DataObject
) -> None:
    seconds = int((last_noon(nights) - FIRST_NOON).total_seconds())
    at = FIRST_NOON + timedelta(seconds=data.draw(st.integers(0, seconds - 1)))
    asked_before = len(order.facts(REFUND))
    sn, _ = await asked(order, nights=nights, at=at)
    due = at + timedelta(days=1)

    await tick(order, due - TICK)
    assert order.row(sn)["refund_state"] == "asked"
    await tick(order, due)

    assert order.row(sn)["refund_state"] == "agreed"
    assert len(order.facts(REFUND)) == asked_before + 1
