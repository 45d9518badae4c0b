"""A refund that failed and that its buyer does not ask for again: counted, listed, and asked for anew by an operator."""

import asyncio
from typing import Any

import pytest
from prometheus_client import REGISTRY

from order.waiting import UNFINISHED, FailedRefunds
from servicekit.db import Database
from servicekit.unfinished import Ages
from tests.service.order.support import Order, refund_failed, refunded

ASK, CHECK_IN = "/homestayOrder/refundHomestayOrder", "/verifyTradeCode"
FAILED, REFUND = "/events/refund-failed", "order-refund-requested-topic"


async def failed(order: Order) -> tuple[str, str]:
    sn, payment_sn = await order.paid()
    await order.post(ASK, {"sn": sn, "reason": "行程有变"})
    [request] = [fact for fact in order.facts(REFUND) if fact["orderSn"] == sn]
    assert await order.hear(refund_failed(sn, payment_sn, request["requestSn"]), path=FAILED) == ["SUCCESS"]
    assert order.row(sn)["refund_state"] == "failed"
    return sn, payment_sn


async def measured(order: Order, url: str) -> tuple[float | None, float | None]:
    database = Database(url)
    await FailedRefunds(db=database).measure()
    await Ages(database, order.clock, UNFINISHED).measure()
    await database.close()
    names = ("order_refunds_failed", "order_refunds_failed_oldest_seconds")
    count, age = (REGISTRY.get_sample_value(name) for name in names)
    return count, age


async def ops(order: Order, name: str, body: Any, *roles: str) -> Any:
    return await order.post(f"/ops/{name}", body, user=7, roles=roles or ("operator",))


async def test_they_are_counted_with_the_age_of_the_oldest(order: Order, order_database: str) -> None:
    assert await measured(order, order_database) == (0, 0)
    first, payment_sn = await failed(order)
    order.clock.pass_by(hours=1)
    second, _ = await failed(order)
    order.clock.pass_by(hours=1)
    assert await measured(order, order_database) == (2, 7200)

    await order.post(ASK, {"sn": first, "reason": ""})
    assert await measured(order, order_database) == (1, 3600)
    await order.hear(refunded(first, payment_sn))
    await order.merchant(CHECK_IN, {"tradeCode": order.row(second)["checkin_code"]})

    assert [order.row(sn)["trade_state"] for sn in (first, second)] == [3, 2]
    assert await measured(order, order_database) == (0, 0)


async def test_an_operator_lists_them_and_asks_anew_once(order: Order) -> None:
    sn, payment_sn = await failed(order)
    failed_at = order.clock.now
    order.clock.pass_by(days=30)
    [listed] = (await ops(order, "failedRefundList", {})).json()["data"]["list"]
    assert listed == {
        "id": listed["id"],
        "sn": sn,
        "userId": 101,
        "paymentSn": payment_sn,
        "refundFen": 19900,
        "reason": "行程有变",
        "failedAt": failed_at.isoformat().replace("+00:00", "Z"),
    }

    asks = [ops(order, "refundAskAgain", {"sn": sn, "note": "guest called"}) for _ in range(3)]
    answers = await asyncio.gather(*asks)

    assert [(answer.status_code, answer.json()["data"]["refundState"]) for answer in answers] == [(200, "agreed")] * 3
    requests = order.facts(REFUND)
    assert [(each["paymentSn"], each["cause"], each["reason"]) for each in requests] == [
        (payment_sn, "buyer", "行程有变")
    ] * 2
    assert order.rows("select operator_id, act, subject, note from operator_act") == [
        {"operator_id": 7, "act": "ask-refund-again", "subject": f"order:{sn}", "note": "guest called"}
    ]
    assert (await ops(order, "failedRefundList", {})).json()["data"]["list"] == []
    await order.hear(refunded(sn, payment_sn))
    assert order.row(sn)["trade_state"] == 3


async def test_what_has_not_failed_is_not_asked_for_by_an_operator(order: Order) -> None:
    unpaid, (untouched, _) = await order.create(), await order.paid()
    used, _ = await failed(order)
    await order.merchant(CHECK_IN, {"tradeCode": order.row(used)["checkin_code"]})
    orders = (unpaid, untouched, used)
    before, asked = [order.row(sn) for sn in orders], order.facts(REFUND)

    for sn in orders:
        answer = await ops(order, "refundAskAgain", {"sn": sn, "note": "why"})
        assert (answer.status_code, answer.json()["code"]) == (409, 103033)

    assert ([order.row(sn) for sn in orders], order.facts(REFUND)) == (before, asked)
    assert order.rows("select * from operator_act") == []


@pytest.mark.parametrize(
    ("body", "field"),
    [({"sn": "HSO2026112309302612345678"}, "note"), ({"sn": "HSO2026112309302612345678", "note": " "}, "note"),
     ({"note": "why"}, "sn")],
    ids=str,
)  # fmt: skip
async def test_bad_input_is_named(order: Order, body: dict[str, str], field: str) -> None:
    answer = await ops(order, "refundAskAgain", body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_it_is_for_operators_and_of_orders_that_exist(order: Order) -> None:
    sn, _ = await failed(order)
    before = order.row(sn)
    for name, body in (("failedRefundList", {}), ("refundAskAgain", {"sn": sn, "note": "why"})):
        assert (await ops(order, name, body, "buyer", "merchant")).status_code == 403
    gone = await ops(order, "refundAskAgain", {"sn": "HSO2026112309302699999999", "note": "why"})
    assert (gone.status_code, order.row(sn)) == (404, before)
