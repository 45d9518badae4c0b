"""A merchant who does not answer a refund request: in the end the rule does, by the cron job that expires stays."""

import asyncio
from datetime import UTC, datetime

from order.parts import Parts
from order.settings import Settings
from servicekit.testing import APP_TOKEN
from tests.service.order.support import Order, refunded

ASK, DECIDE = "/homestayOrder/refundHomestayOrder", "/refundDecision"
EXPIRE = "/jobs/order-expire-stays"
REFUND = "order-refund-requested-topic"
AFTERNOON = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)  # 13:30 in Shanghai


async def asked(order: Order, *, nights: int) -> tuple[str, str]:
    """Paid, and asked back after noon of the first day: the merchant is to decide."""
    sn, payment_sn = await order.paid(nights=nights)
    order.clock.now = max(order.clock.now, AFTERNOON)
    answer = await order.post(ASK, {"sn": sn, "reason": "行程有变"})
    assert answer.json()["data"]["refundState"] == "asked"
    return sn, payment_sn


async def test_a_day_without_an_answer_is_a_yes(order: Order) -> None:
    sn, payment_sn = await asked(order, nights=3)
    order.clock.pass_by(hours=23, minutes=59)
    before = order.row(sn)

    assert (await order.inside(EXPIRE)).json() == {"claimed": 0}
    assert (order.row(sn), order.facts(REFUND)) == (before, [])
    order.clock.pass_by(minutes=1)
    assert (await order.inside(EXPIRE)).json() == {"claimed": 1}
    assert (await order.inside(EXPIRE)).json() == {"claimed": 0}

    [request] = order.facts(REFUND)
    assert (request["paymentSn"], request["cause"], request["reason"]) == (payment_sn, "buyer", "行程有变")
    detail = (await order.post("/homestayOrder/userHomestayOrderDetail", {"sn": sn})).json()["data"]
    assert (detail["refundState"], detail["refundNote"], detail["refundOpen"]) == ("agreed", "", True)
    assert order.row(sn)["refund_note"] is None
    await order.hear(refunded(sn, payment_sn))
    assert order.row(sn)["trade_state"] == 3


async def test_after_the_rule_the_merchants_no_comes_too_late(order: Order) -> None:
    sn, _ = await asked(order, nights=3)
    order.clock.pass_by(hours=24)
    await order.inside(EXPIRE)
    before = order.row(sn)

    late = await order.merchant(DECIDE, {"sn": sn, "agree": False, "note": "当日不可退"})

    assert (late.status_code, late.json()["type"]) == (409, "/problems/no-refund-to-decide")
    assert (order.row(sn), len(order.facts(REFUND))) == (before, 1)


async def test_what_the_merchant_decided_the_rule_leaves_alone(order: Order) -> None:
    refused, _ = await asked(order, nights=3)
    await order.merchant(DECIDE, {"sn": refused, "agree": False, "note": "当日不可退"})
    agreed, _ = await asked(order, nights=3)
    await order.merchant(DECIDE, {"sn": agreed, "agree": True, "note": ""})
    order.clock.pass_by(hours=24)
    before = [order.row(sn) for sn in (refused, agreed)]

    assert (await order.inside(EXPIRE)).json() == {"claimed": 0}

    assert [order.row(sn) for sn in (refused, agreed)] == before
    assert len(order.facts(REFUND)) == 1


async def test_replicas_that_tick_at_once_ask_for_each_money_once(order: Order) -> None:
    requests = [await asked(order, nights=3) for _ in range(5)]
    order.clock.pass_by(hours=24)

    answers = await asyncio.gather(*(order.inside(EXPIRE) for _ in range(4)))

    assert sum(answer.json()["claimed"] for answer in answers) == 5
    assert sorted(fact["orderSn"] for fact in order.facts(REFUND)) == sorted(sn for sn, _ in requests)


async def test_how_long_and_how_many_at_once_is_the_operators_choice(order: Order, order_database: str) -> None:
    requests = [(await asked(order, nights=3))[0] for _ in range(3)]
    order.clock.pass_by(hours=1)
    settings = Settings(
        APP_API_TOKEN=APP_TOKEN, database_url=order_database, refund_answer_seconds=3600, expire_batch=2
    )
    parts = Parts.of(settings, clock=order.clock, sidecar=order.peers)

    assert [await parts.expiry.end_unanswered() for _ in range(3)] == [2, 1, 0]

    await parts.db.close()
    assert [order.row(sn)["refund_state"] for sn in requests] == ["agreed"] * 3
