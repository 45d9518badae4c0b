"""The buyer asks for the money back."""

import asyncio

from tests.service.order.support import STRANGER, Order, refunded

ASK = "/homestayOrder/refundHomestayOrder"
REFUND = "order-refund-requested-topic"


async def test_the_request_goes_to_payment_and_the_order_is_held(order: Order) -> None:
    sn, payment_sn = await order.paid()

    response = await order.post(ASK, {"sn": sn, "reason": "行程有变"})

    assert response.json()["data"] == {"sn": sn, "tradeState": 1, "closing": False, "refundOpen": True}
    [request] = order.facts(REFUND)
    assert request["requestSn"].startswith("RFR20261123093000")
    assert {name: request[name] for name in ("orderSn", "paymentSn", "refundFen", "cause", "reason")} == {
        "orderSn": sn,
        "paymentSn": payment_sn,
        "refundFen": 19900,
        "cause": "buyer",
        "reason": "行程有变",
    }
    assert order.row(sn)["version"] == 2


async def test_asking_twice_asks_once(order: Order) -> None:
    sn, _ = await order.paid()

    answers = await asyncio.gather(*(order.post(ASK, {"sn": sn, "reason": ""}) for _ in range(4)))

    assert [answer.status_code for answer in answers] == [200] * 4
    [request] = order.facts(REFUND)
    assert request["reason"] == "买家申请退款"


async def test_payments_answer_ends_it(order: Order) -> None:
    sn, payment_sn = await order.paid()
    await order.post(ASK, {"sn": sn, "reason": ""})

    await order.hear(refunded(sn, payment_sn))

    row = order.row(sn)
    assert (row["trade_state"], row["refund_opened_at"]) == (3, None)
    again = await order.post(ASK, {"sn": sn, "reason": ""})
    assert again.json()["data"]["tradeState"] == 3
    assert len(order.facts(REFUND)) == 1


async def test_unpaid_used_and_ended_stays_cannot_be_refunded_by_their_buyer(order: Order) -> None:
    unpaid = await order.create()
    used, _ = await order.paid()
    await order.merchant("/verifyTradeCode", {"tradeCode": order.row(used)["trade_code"]})
    over, _ = await order.paid()
    order.clock.pass_by(days=1, hours=2, minutes=30)

    for sn in (unpaid, used, over):
        response = await order.post(ASK, {"sn": sn, "reason": ""})
        assert response.status_code == 409
        assert response.json()["type"] == "/problems/not-refundable"
        assert order.row(sn)["refund_opened_at"] is None
    assert order.facts(REFUND) == []


async def test_another_ones_order_is_not_there(order: Order) -> None:
    sn, _ = await order.paid()

    response = await order.post(ASK, {"sn": sn, "reason": ""}, user=STRANGER)

    assert response.status_code == 404
    assert order.row(sn)["refund_opened_at"] is None


async def test_a_reason_has_bounds(order: Order) -> None:
    sn, _ = await order.paid()

    response = await order.post(ASK, {"sn": sn, "reason": "长" * 81})

    assert (response.status_code, response.json()["field"]) == (422, "reason")
    assert order.row(sn)["refund_opened_at"] is None
