"""What a host gives back of an order that is over."""

import asyncio
from typing import Any

import pytest

from tests.service.order.partial_refunds import ASK, DETAIL, FAILED, REQUESTED, UPDATED, amounts, booked
from tests.service.order.support import OTHER_MERCHANT, Order, part_refunded, refund_failed

MORE = "/merchant/refundMore"


async def give(order: Order, sn: str, fen: int, *, key: str | None = None, user: int | None = None) -> Any:
    body = {"sn": sn, "refundFen": fen, "note": "下次再来"}
    merchant = order.row(sn)["homestay_user_id"] if user is None else user
    return await order.post(MORE, body, user=merchant, roles=["merchant"], key=key)


async def cancelled(order: Order) -> tuple[str, str]:
    """An order of which half went back: its number and the payment's."""
    sn, payment_sn = await booked(order)
    await order.post(ASK, {"sn": sn, "reason": ""})
    await order.hear(part_refunded(sn, payment_sn, 9950))
    return sn, payment_sn


async def test_a_host_gives_back_more_of_what_was_kept(order: Order) -> None:
    sn, payment_sn = await cancelled(order)
    order.clock.pass_by(days=5)

    given = await give(order, sn, 5000)

    assert given.json()["data"] == {"sn": sn, "refundFen": 5000, "refundedFen": 9950, "keptFen": 9950}
    request = order.facts(REQUESTED)[-1]
    assert (request["refundFen"], request["cause"], request["reason"]) == (5000, "goodwill", "下次再来")
    before = order.row(sn)["version"]

    await order.hear(part_refunded(sn, payment_sn, 14950, version=4))

    assert amounts(order, sn) == (3, "agreed", 9950, 14950)
    assert (order.row(sn)["version"], len(order.states(sn))) == (before, 3)
    [told] = order.facts(UPDATED)
    assert (told["refundState"], told["refundFen"], told["cause"]) == ("part-returned", 5000, "goodwill")
    detail = (await order.post(DETAIL, {"sn": sn})).json()["data"]
    assert (detail["refundedFen"], detail["keptFen"]) == (14950, 4950)
    assert (await order.inside("/internal/orderDetail", {"orderSn": sn})).json()["refundedFen"] == 9950


async def test_the_history_tells_each_refund(order: Order) -> None:
    sn, payment_sn = await booked(order)
    order.clock.pass_by(minutes=1)
    await order.post(ASK, {"sn": sn, "reason": ""})
    order.clock.pass_by(minutes=1)
    await order.hear(part_refunded(sn, payment_sn, 9950))
    order.clock.pass_by(minutes=1)
    await give(order, sn, 100)
    order.clock.pass_by(minutes=1)
    await order.hear(part_refunded(sn, payment_sn, 10050, version=4))

    history = (await order.post(DETAIL, {"sn": sn})).json()["data"]["timeline"]

    assert [(each["state"], each["fromState"], each["cause"], each["refundFen"]) for each in history] == [
        (0, None, "created", None),
        (1, 0, "paid", None),
        (1, 1, "refund-requested", 9950),
        (3, 1, "refunded", None),
        (3, 3, "refund-returned", 9950),
        (3, 3, "refund-requested", 100),
        (3, 3, "refund-returned", 100),
    ]
    assert [each["at"] - history[0]["at"] for each in history] == [0, 0, 60, 120, 120, 180, 240]


async def test_the_last_fen_may_go_back_and_none_beyond(order: Order) -> None:
    sn, payment_sn = await cancelled(order)
    too_much = await give(order, sn, 9951)
    assert (too_much.status_code, too_much.json()["code"], too_much.json()["most"]) == (422, 103040, 9950)

    await give(order, sn, 9950)
    await order.hear(part_refunded(sn, payment_sn, 19900, version=4))

    assert amounts(order, sn) == (3, "agreed", 9950, 19900)
    assert [(fact["refundState"], fact["refundFen"]) for fact in order.facts(UPDATED)] == [("returned", 9950)]
    nothing_left = await give(order, sn, 1)
    assert (nothing_left.status_code, nothing_left.json()["code"]) == (409, 103041)
    assert len(order.facts(REQUESTED)) == 2


async def test_clicks_at_once_give_once(order: Order) -> None:
    sn, _ = await cancelled(order)

    answers = await asyncio.gather(*(give(order, sn, 3000) for _ in range(6)))

    assert {answer.status_code for answer in answers} == {200}
    assert [fact["refundFen"] for fact in order.facts(REQUESTED)] == [9950, 3000]


async def test_different_amounts_at_once_never_give_more_than_was_kept(order: Order) -> None:
    sn, _ = await cancelled(order)

    answers = await asyncio.gather(*(give(order, sn, 9000 + number) for number in range(6)))

    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 5]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {103042}
    assert len(order.facts(REQUESTED)) == 2


async def test_a_key_gives_once_also_when_the_money_is_back_and_the_answer_was_forgotten(order: Order) -> None:
    sn, payment_sn = await cancelled(order)
    await give(order, sn, 1000, key="k-1")
    await order.hear(part_refunded(sn, payment_sn, 10950, version=4))
    order.rows("delete from idempotency_key returning key")  # as after a crash before it was kept

    again = await give(order, sn, 1000, key="k-1")
    other = await give(order, sn, 999, key="k-1")
    second = await give(order, sn, 1000, key="k-2")

    assert (again.status_code, other.status_code, second.status_code) == (200, 422, 200)
    assert [fact["refundFen"] for fact in order.facts(REQUESTED)] == [9950, 1000, 1000]


async def test_a_gift_that_failed_can_be_given_again(order: Order) -> None:
    sn, payment_sn = await cancelled(order)
    await give(order, sn, 1000)
    failed = refund_failed(sn, payment_sn, order.facts(REQUESTED)[-1]["requestSn"])

    assert await order.hear(failed, path=FAILED) == ["SUCCESS"]

    assert amounts(order, sn) == (3, "agreed", 9950, 9950)
    await give(order, sn, 1000)
    assert [fact["refundFen"] for fact in order.facts(REQUESTED)] == [9950, 1000, 1000]
    states = order.rows("select state from order_refund order by id")
    assert [row["state"] for row in states] == ["returned", "failed", "requested"]


async def test_after_the_stay_a_host_may_give_back_a_part_and_the_order_stays_used(order: Order) -> None:
    sn, payment_sn = await order.paid()
    await order.merchant("/verifyTradeCode", {"tradeCode": order.row(sn)["checkin_code"]})

    await give(order, sn, 2000)
    await order.hear(part_refunded(sn, payment_sn, 2000))

    row = order.row(sn)
    assert (row["trade_state"], row["refunded_fen"]) == (2, 2000)
    assert [(fact["refundState"], fact["refundFen"]) for fact in order.facts(UPDATED)] == [("part-returned", 2000)]


@pytest.mark.parametrize("state", ["unpaid", "paid", "under way"])
async def test_of_an_order_that_is_not_over_nothing_is_given(order: Order, state: str) -> None:
    sn = await order.create() if state == "unpaid" else (await booked(order))[0]
    if state == "under way":
        await order.post(ASK, {"sn": sn, "reason": ""})
    before = order.row(sn), order.facts(REQUESTED)

    refused = await give(order, sn, 100)

    assert (refused.status_code, refused.json()["code"]) == (409, 103041)
    assert (order.row(sn), order.facts(REQUESTED)) == before


async def test_only_the_host_of_the_homestay_gives(order: Order) -> None:
    sn, _ = await cancelled(order)

    strange = await give(order, sn, 100, user=OTHER_MERCHANT)
    buyer = await order.post(MORE, {"sn": sn, "refundFen": 100, "note": ""})
    nothing = await give(order, sn, 0)

    assert (strange.status_code, buyer.status_code, nothing.status_code) == (404, 403, 422)
    assert len(order.facts(REQUESTED)) == 1
