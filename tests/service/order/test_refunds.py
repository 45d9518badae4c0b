"""The buyer asks for the money back."""

import asyncio

from tests.service.order.support import OTHER_MERCHANT, STRANGER, Order, paid, refund_failed, refunded

ASK = "/homestayOrder/refundHomestayOrder"
REFUND = "order-refund-requested-topic"
DECIDE = "/refundDecision"
STATE = {"tradeState": 1, "closing": False}


async def test_the_request_goes_to_payment_and_the_order_is_held(order: Order) -> None:
    sn, payment_sn = await order.paid()

    response = await order.post(ASK, {"sn": sn, "reason": "行程有变"})

    assert response.json()["data"] == STATE | {"sn": sn, "refundOpen": True, "refundState": "agreed"}
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
    await order.merchant("/verifyTradeCode", {"tradeCode": order.row(used)["checkin_code"]})
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


async def asked_late(order: Order) -> tuple[str, str]:
    """A paid stay whose buyer wants the money back after noon of the first day."""
    sn, payment_sn = await order.paid(nights=2)
    order.clock.pass_by(hours=2, minutes=30)  # 12:00 in Shanghai
    response = await order.post(ASK, {"sn": sn, "reason": "行程有变"})
    assert response.json()["data"] == STATE | {"sn": sn, "refundOpen": True, "refundState": "asked"}
    return sn, payment_sn


async def test_a_minute_before_noon_of_the_first_day_the_rule_agrees(order: Order) -> None:
    sn, _ = await order.paid()
    order.clock.pass_by(hours=2, minutes=29)

    response = await order.post(ASK, {"sn": sn, "reason": ""})

    assert response.json()["data"]["refundState"] == "agreed"
    assert len(order.facts(REFUND)) == 1


async def test_from_noon_of_the_first_day_the_merchant_is_asked_and_the_order_is_held(order: Order) -> None:
    sn, _ = await asked_late(order)

    assert order.facts(REFUND) == []
    refused = await order.merchant("/verifyTradeCode", {"tradeCode": order.row(sn)["checkin_code"]})
    assert refused.json()["type"] == "/problems/refund-open"
    [row] = (await order.merchant("/orderList", {})).json()["data"]["list"]
    assert (row["refundState"], row["refundReason"]) == ("asked", "行程有变")


async def test_money_that_went_back_by_another_way_ends_the_request(order: Order) -> None:
    sn, payment_sn = await asked_late(order)
    assert await order.hear(refunded(sn, payment_sn)) == ["SUCCESS"]
    row = order.row(sn)
    assert (row["trade_state"], row["refund_state"], row["refund_opened_at"]) == (3, "agreed", None)


async def test_the_merchant_agrees_once_and_the_money_is_asked_for_once(order: Order) -> None:
    sn, payment_sn = await asked_late(order)

    answers = await asyncio.gather(*(order.merchant(DECIDE, {"sn": sn, "agree": True, "note": ""}) for _ in range(3)))

    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[0].json()["data"] == STATE | {"sn": sn, "refundOpen": True, "refundState": "agreed"}
    [request] = order.facts(REFUND)
    assert (request["paymentSn"], request["cause"], request["reason"]) == (payment_sn, "buyer", "行程有变")
    await order.hear(refunded(sn, payment_sn))
    assert order.row(sn)["trade_state"] == 3


async def test_refused_the_order_can_be_used_again_and_the_buyer_reads_why(order: Order) -> None:
    sn, _ = await asked_late(order)

    answer = await order.merchant(DECIDE, {"sn": sn, "agree": False, "note": "当日不可退"})

    assert answer.json()["data"] == STATE | {"sn": sn, "refundOpen": False, "refundState": "refused"}
    assert order.facts(REFUND) == []
    detail = (await order.post("/homestayOrder/userHomestayOrderDetail", {"sn": sn})).json()["data"]
    assert (detail["refundState"], detail["refundNote"], detail["refundOpen"]) == ("refused", "当日不可退", False)
    used = await order.merchant("/verifyTradeCode", {"tradeCode": order.row(sn)["checkin_code"]})
    assert used.json()["data"]["tradeState"] == 2


async def test_after_a_refusal_the_buyer_may_ask_again(order: Order) -> None:
    sn, _ = await asked_late(order)
    await order.merchant(DECIDE, {"sn": sn, "agree": False, "note": ""})

    await order.post(ASK, {"sn": sn, "reason": "请再考虑"})

    assert (order.row(sn)["refund_state"], order.row(sn)["refund_note"]) == ("asked", None)


async def test_only_the_owner_decides_and_only_what_was_asked(order: Order) -> None:
    sn, _ = await asked_late(order)
    other, _ = await order.paid()

    strange = await order.merchant(DECIDE, {"sn": sn, "agree": True, "note": ""}, user=OTHER_MERCHANT)
    buyer = await order.post("/merchant/refundDecision", {"sn": sn, "agree": True, "note": ""})
    unasked = await order.merchant(DECIDE, {"sn": other, "agree": True, "note": ""})

    assert (strange.status_code, buyer.status_code, unasked.status_code) == (404, 403, 409)
    assert unasked.json()["code"] == 103031
    assert order.row(sn)["refund_state"] == "asked"
    assert order.facts(REFUND) == []


FAILED = "/events/refund-failed"


async def agreed(order: Order) -> tuple[str, str, str]:
    """A refund that payment was asked for: order's, payment's and the request's number."""
    sn, payment_sn = await order.paid()
    await order.post(ASK, {"sn": sn, "reason": "行程有变"})
    return sn, payment_sn, order.facts(REFUND)[-1]["requestSn"]


async def test_a_refund_that_failed_lets_the_order_go_on_and_its_buyer_ask_again(order: Order) -> None:
    sn, payment_sn, request_sn = await agreed(order)
    event = refund_failed(sn, payment_sn, request_sn)

    assert await order.hear(event, event, path=FAILED) == ["SUCCESS", "SUCCESS"]

    row = order.row(sn)
    assert (row["trade_state"], row["refund_state"], row["refund_opened_at"], row["version"]) == (1, "failed", None, 2)
    again = await order.post(ASK, {"sn": sn, "reason": ""})
    assert again.json()["data"]["refundState"] == "agreed"
    assert [fact["requestSn"] != request_sn for fact in order.facts(REFUND)] == [False, True]


async def test_after_a_failed_refund_the_guest_checks_in(order: Order) -> None:
    sn, payment_sn, request_sn = await agreed(order)
    await order.hear(refund_failed(sn, payment_sn, request_sn), path=FAILED)

    used = await order.merchant("/verifyTradeCode", {"tradeCode": order.row(sn)["checkin_code"]})

    assert used.json()["data"]["tradeState"] == 2


async def test_a_refund_that_failed_is_asked_for_again_when_the_stay_is_over(order: Order) -> None:
    sn, payment_sn, first = await agreed(order)
    await order.hear(refund_failed(sn, payment_sn, first), path=FAILED)
    order.clock.pass_by(days=30)
    before = order.row(sn)

    assert (await order.inside("/jobs/order-expire-stays")).json() == {"claimed": 0}
    assert order.row(sn) == before
    late = await order.merchant("/verifyTradeCode", {"tradeCode": before["checkin_code"]})
    assert (late.json()["type"], order.row(sn)) == ("/problems/stay-over", before)
    answers = await asyncio.gather(*(order.post(ASK, {"sn": sn, "reason": "换了账户"}) for _ in range(3)))

    assert [answer.json()["data"] for answer in answers] == [
        STATE | {"sn": sn, "refundOpen": True, "refundState": "agreed"}
    ] * 3
    assert [(fact["requestSn"] == first, fact["reason"]) for fact in order.facts(REFUND)] == [
        (True, "行程有变"),
        (False, "换了账户"),
    ]
    await order.hear(refunded(sn, payment_sn))
    assert order.row(sn)["trade_state"] == 3


async def test_a_refund_that_failed_needs_no_second_yes_of_the_merchant(order: Order) -> None:
    sn, payment_sn = await asked_late(order)
    await order.merchant(DECIDE, {"sn": sn, "agree": True, "note": "可以"})
    await order.hear(refund_failed(sn, payment_sn, order.facts(REFUND)[-1]["requestSn"]), path=FAILED)

    again = await order.post(ASK, {"sn": sn, "reason": ""})

    assert again.json()["data"]["refundState"] == "agreed"
    assert len(order.facts(REFUND)) == 2


async def test_an_event_of_an_older_request_changes_nothing(order: Order) -> None:
    sn, payment_sn, first = await agreed(order)
    await order.hear(refund_failed(sn, payment_sn, first), path=FAILED)
    await order.post(ASK, {"sn": sn, "reason": ""})

    assert await order.hear(refund_failed(sn, payment_sn, first), path=FAILED) == ["SUCCESS"]

    row = order.row(sn)
    assert (row["refund_state"], row["refund_opened_at"] is not None) == ("agreed", True)


async def test_the_failed_refund_of_a_second_payment_leaves_the_order_alone(order: Order) -> None:
    sn, _ = await order.paid()
    second = paid(sn)
    await order.hear(second)
    [request] = order.facts(REFUND)
    before = order.row(sn)

    heard = refund_failed(sn, second["data"]["paymentSn"], request["requestSn"])
    assert await order.hear(heard, path=FAILED) == ["SUCCESS"]

    assert order.row(sn) == before


async def test_a_failed_refund_of_an_order_that_is_not_ours_goes_to_the_dead_letters(order: Order) -> None:
    stranger = refund_failed("HSO2026112309302699999999", "PMT2026112309310087654321", "RFR2026112309402611223344")

    assert await order.hear(stranger, path=FAILED) == ["DROP"]
