"""What order tells of a refund while its own state stays: a merchant is to decide, a payment's money is back."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.service.order.support import MERCHANT, Order, paid, payment_number, refunded

ASK, DECIDE, CHECK_IN = "/homestayOrder/refundHomestayOrder", "/refundDecision", "/verifyTradeCode"
NEWS = "order-update-refund-topic"


async def cancelled(order: Order) -> str:
    sn = await order.create()
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": sn})
    assert order.row(sn)["trade_state"] == -1
    return sn


def told(order: Order) -> list[tuple[Any, ...]]:
    return [(fact["refundState"], fact["paymentSn"], fact["refundFen"], fact["cause"]) for fact in order.facts(NEWS)]


async def test_a_late_payment_that_is_back_is_told_once(order: Order) -> None:
    sn = await cancelled(order)
    late = paid(sn)
    payment_sn = late["data"]["paymentSn"]
    await order.hear(late)
    assert order.facts(NEWS) == []
    order.clock.pass_by(minutes=7)

    back = refunded(sn, payment_sn)
    assert await order.hear(back, back, refunded(sn, payment_sn, version=4)) == ["SUCCESS"] * 3

    assert told(order) == [("returned", payment_sn, 19900, "late-payment")]
    assert datetime.fromisoformat(order.facts(NEWS)[0]["changedAt"]) == order.clock.now
    assert (order.row(sn)["trade_state"], len(order.facts("order-update-tradestate-topic"))) == (-1, 1)


@pytest.mark.parametrize("used", [False, True])
async def test_each_second_payment_that_is_back_is_told(order: Order, used: bool) -> None:
    sn, first = await order.paid()
    if used:
        await order.merchant(CHECK_IN, {"tradeCode": order.row(sn)["checkin_code"]})
    others = [paid(sn), paid(sn, total_fen=39900)]
    await order.hear(*others)
    state = order.row(sn)

    for other in others:
        data = other["data"]
        await order.hear(refunded(sn, data["paymentSn"], total_fen=data["totalFen"]))

    assert told(order) == [
        ("returned", others[0]["data"]["paymentSn"], 19900, "duplicate-payment"),
        ("returned", others[1]["data"]["paymentSn"], 39900, "duplicate-payment"),
    ]
    assert (order.row(sn), order.row(sn)["payment_sn"]) == (state, first)


async def test_money_given_back_after_the_stay_is_told_although_the_order_stays_used(order: Order) -> None:
    sn, payment_sn = await order.paid()
    await order.merchant(CHECK_IN, {"tradeCode": order.row(sn)["checkin_code"]})

    await order.hear(refunded(sn, payment_sn))

    assert told(order) == [("returned", payment_sn, 19900, "other")]
    assert order.row(sn)["trade_state"] == 2


async def test_money_that_came_and_went_before_we_heard_of_it_is_told(order: Order) -> None:
    """The first word comes late, from the dead letters: it is old by then."""
    sn = await cancelled(order)
    payment_sn = payment_number()

    await order.hear(refunded(sn, payment_sn), paid(sn, payment_sn=payment_sn))

    assert told(order) == [("returned", payment_sn, 19900, "late-payment")]
    assert order.facts("order-refund-requested-topic") == []


async def test_an_order_that_is_refunded_tells_it_by_its_state_alone(order: Order) -> None:
    sn, payment_sn = await order.paid()
    await order.post(ASK, {"sn": sn, "reason": ""})

    await order.hear(refunded(sn, payment_sn))

    assert (order.row(sn)["trade_state"], order.facts(NEWS)) == (3, [])


async def test_a_merchant_who_is_to_decide_is_told_once_of_each_request(order: Order) -> None:
    sn, payment_sn = await order.paid(nights=3)
    order.clock.pass_by(hours=4)
    first = order.clock.now
    for _ in range(2):
        await order.post(ASK, {"sn": sn, "reason": "行程有变"})
    await order.merchant(DECIDE, {"sn": sn, "agree": False, "note": ""})
    order.clock.pass_by(hours=1)

    await order.post(ASK, {"sn": sn, "reason": "请再考虑"})

    assert told(order) == [("asked", payment_sn, 19900 * 3, "buyer")] * 2
    moments = [datetime.fromisoformat(fact["changedAt"]) for fact in order.facts(NEWS)]
    assert moments == [first, first + timedelta(hours=1)]
    assert {"行程有变", "请再考虑", order.row(sn)["checkin_code"]}.isdisjoint(str(order.facts(NEWS)))
    detail = (await order.inside("/internal/orderDetail", {"orderSn": sn})).json()
    asked_at, answer_by = (datetime.fromisoformat(detail[name]) for name in ("refundAskedAt", "refundAnswerBy"))
    assert (detail["refundState"], detail["homestayUserId"]) == ("asked", MERCHANT)
    assert (asked_at, answer_by) == (moments[1], moments[1] + timedelta(days=1))


async def test_what_the_rule_agrees_to_at_once_is_no_question_for_the_merchant(order: Order) -> None:
    sn, _ = await order.paid()

    await order.post(ASK, {"sn": sn, "reason": ""})

    assert (order.row(sn)["refund_state"], order.facts(NEWS)) == ("agreed", [])
    detail = (await order.inside("/internal/orderDetail", {"orderSn": sn})).json()
    assert (detail["refundState"], detail["refundAskedAt"], detail["refundAnswerBy"]) == ("agreed", None, None)
