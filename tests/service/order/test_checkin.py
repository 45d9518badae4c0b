"""The code at the door."""

import asyncio

import pytest

from tests.service.order.support import MERCHANT, OTHER_MERCHANT, Order, refunded

VERIFY = "/verifyTradeCode"


async def code_of(order: Order, **more) -> tuple[str, str]:
    sn, _ = await order.paid(**more)
    return sn, order.row(sn)["checkin_code"]


async def test_todays_guest_is_checked_in_at_once(order: Order) -> None:
    sn, code = await code_of(order)

    response = await order.merchant(VERIFY, {"tradeCode": code})

    assert response.status_code == 200
    data = response.json()["data"]
    assert (data["sn"], data["tradeState"], data["livePeopleNum"]) == (sn, 2, 2)
    assert "tradeCode" not in data
    assert order.states(sn) == [(1, None, 0), (2, 0, 1), (3, 1, 2)]
    assert [fact["tradeState"] for fact in order.facts("order-update-tradestate-topic")] == [1, 2]


async def test_a_code_may_be_typed_in_any_manner(order: Order) -> None:
    _, code = await code_of(order)

    typed = f" {code[:4].lower()}-{code[4:].lower()} "

    assert (await order.merchant(VERIFY, {"tradeCode": typed})).status_code == 200


async def test_a_code_works_once(order: Order) -> None:
    sn, code = await code_of(order)

    answers = await asyncio.gather(*(order.merchant(VERIFY, {"tradeCode": code}) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert order.row(sn)["version"] == 3
    assert order.rows("select id from checkin_miss") == []


async def test_unknown_codes_and_codes_of_others_look_the_same(order: Order) -> None:
    sn, code = await code_of(order)
    other = "3" * 8 if code != "3" * 8 else "4" * 8

    theirs = await order.merchant(VERIFY, {"tradeCode": code}, user=OTHER_MERCHANT)
    unknown = await order.merchant(VERIFY, {"tradeCode": other}, user=OTHER_MERCHANT)

    assert theirs.status_code == unknown.status_code == 404
    first, second = theirs.json(), unknown.json()
    assert {**first, "trace_id": ""} == {**second, "trace_id": ""}
    assert order.row(sn)["trade_state"] == 1


async def test_ten_wrong_codes_close_the_door_for_ten_minutes(order: Order) -> None:
    sn, code = await code_of(order)
    for _ in range(10):
        assert (await order.merchant(VERIFY, {"tradeCode": "33333333"})).status_code == 404
        order.clock.pass_by(seconds=1)

    refused = await order.merchant(VERIFY, {"tradeCode": code})
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "591"
    assert order.row(sn)["trade_state"] == 1
    assert (await order.merchant(VERIFY, {"tradeCode": code}, user=OTHER_MERCHANT)).status_code == 404

    order.clock.pass_by(seconds=591)
    assert (await order.merchant(VERIFY, {"tradeCode": code})).status_code == 200


async def test_guesses_side_by_side_are_counted_too(order: Order) -> None:
    answers = await asyncio.gather(*(order.merchant(VERIFY, {"tradeCode": "33333333"}) for _ in range(25)))

    assert sorted(answer.status_code for answer in answers) == [404] * 10 + [429] * 15
    assert len(order.rows("select id from checkin_miss where merchant_id = %s", MERCHANT)) == 10


async def test_a_check_in_before_the_first_day_is_refused(order: Order) -> None:
    sn, code = await code_of(order, days=2)
    order.clock.pass_by(days=1, hours=14, minutes=29)  # 23:59 in Shanghai, the day before

    early = await order.merchant(VERIFY, {"tradeCode": code})
    order.clock.pass_by(minutes=1)
    in_time = await order.merchant(VERIFY, {"tradeCode": code})

    assert early.status_code == 409
    assert early.json()["type"] == "/problems/stay-not-begun"
    assert "2026-11-25" in early.json()["msg"]
    assert in_time.status_code == 200
    assert order.row(sn)["trade_state"] == 2


async def test_a_check_in_from_noon_after_the_last_night_is_refused(order: Order) -> None:
    sn, code = await code_of(order, nights=2)
    order.clock.pass_by(days=2, hours=2, minutes=30)  # 12:00 in Shanghai, the day of departure

    late = await order.merchant(VERIFY, {"tradeCode": code})

    assert late.status_code == 409
    assert late.json()["type"] == "/problems/stay-over"
    assert order.row(sn)["trade_state"] == 1


async def test_an_open_refund_keeps_the_door_shut(order: Order) -> None:
    sn, code = await code_of(order)
    await order.post("/homestayOrder/refundHomestayOrder", {"sn": sn, "reason": "行程有变"})

    refused = await order.merchant(VERIFY, {"tradeCode": code})

    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/refund-open"
    assert order.row(sn)["trade_state"] == 1


async def test_the_code_of_a_refunded_order_is_spent(order: Order) -> None:
    sn, payment_sn = await order.paid()
    await order.hear(refunded(sn, payment_sn))

    refused = await order.merchant(VERIFY, {"tradeCode": order.row(sn)["checkin_code"]})

    assert refused.json()["type"] == "/problems/code-spent"
    assert order.row(sn)["trade_state"] == 3


@pytest.mark.parametrize("typed", [None, "", 7, "x" * 33, "ABC", "ABCDEFGHJ", "A\x00BCDEFG", "--------"])
async def test_what_cannot_be_a_code_is_named_and_not_counted(order: Order, typed: object) -> None:
    response = await order.merchant(VERIFY, {"tradeCode": typed})

    assert response.status_code == 422
    assert response.json()["field"] == "tradeCode"
    assert order.rows("select id from checkin_miss") == []


async def test_a_buyer_may_not_check_a_guest_in(order: Order) -> None:
    sn, code = await code_of(order)

    response = await order.post("/merchant/verifyTradeCode", {"tradeCode": code})

    assert response.status_code == 403
    assert order.row(sn)["trade_state"] == 1
