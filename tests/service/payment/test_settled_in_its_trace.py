"""A payment is settled in the trace of its prepay, which its row keeps, linked to what settled it. Reviews are exported."""

import pytest

from servicekit.telemetry import traces
from tests.service.payment.refunding import ask, end, in_state
from tests.service.payment.support import CALLBACK, PREPAY, REFUND_CALLBACK
from tests.support.tracing import ids, links, recording


async def test_a_payment_is_settled_in_the_trace_of_its_prepay(service, wechat):
    with recording() as recorded:
        number = await service.paid()
        assert (await service.deliver(*wechat.notification(number))).status_code == 204
    prepay, callback = recorded.one(f"POST {PREPAY}"), recorded.one(f"POST {CALLBACK}")
    settled, together = recorded.one("settle payment"), recorded.one("settle payments")
    assert (settled.context.trace_id, settled.parent.span_id) == ids(prepay)
    assert links(settled) == {ids(callback), ids(together)}
    assert together.parent.span_id == callback.context.span_id
    assert callback.context.trace_id != prepay.context.trace_id
    order_sn = (await service.payments())[0]["order_sn"]
    for span in (prepay, settled):
        assert (span.attributes["minsu.payment_sn"], span.attributes["minsu.order_sn"]) == (number, order_sn)
    assert callback.attributes["minsu.payment_sn"] == number
    [row] = await service.rows("outbox")
    followed = traces.written(settled.context)
    assert (row["event"]["traceparent"], row["event"]["traceid"]) == (followed.traceparent, followed.traceparent)


async def test_the_logs_of_a_payment_have_one_trace_without_an_sdk(service, wechat):
    answer = await service.prepay()
    number = answer.json()["data"]["paymentSn"]
    wechat.pay(number)
    await service.deliver(*wechat.notification(number))
    [row] = await service.rows("outbox")
    assert row["event"]["traceparent"][3:35] == answer.headers["trace-id"]


async def test_a_query_settles_in_the_same_trace(service):
    with recording() as recorded:
        number = await service.paid()
        service.clock.pass_by(minutes=5)
        assert (await service.job("query-open")).status_code == 200
    settled = recorded.one("settle payment")
    assert settled.attributes["minsu.payment_sn"] == number
    assert (settled.context.trace_id, settled.parent.span_id) == ids(recorded.one(f"POST {PREPAY}"))


async def test_a_refund_is_settled_in_the_trace_of_its_prepay_too(service):
    with recording() as recorded:
        number = await service.settled()
        await ask(service, number)
        [refund] = await in_state(service, "accepted")
        assert (await end(service, refund["sn"], "SUCCESS")).status_code == 204
    numbers = {"minsu.payment_sn": number, "minsu.refund_sn": refund["sn"]}
    for name in ("submit refund", f"POST {REFUND_CALLBACK}", "settle refund"):
        assert numbers.items() <= dict(recorded.one(name).attributes).items()
    settled = recorded.one("settle refund")
    assert (settled.context.trace_id, settled.parent.span_id) == ids(recorded.one(f"POST {PREPAY}"))
    assert links(settled) == {ids(recorded.one(f"POST {REFUND_CALLBACK}"))}
    [row] = await service.rows("outbox where event->'data'->>'refundedFen' <> '0'")
    assert row["event"]["traceparent"] == traces.written(settled.context).traceparent


@pytest.mark.parametrize("ratio", [0, 1])
async def test_the_callback_of_a_payment_that_needs_review_is_exported(service, wechat, ratio):
    number = await service.paid()
    wrong = wechat.transaction(number, amount={"total": 19899, "payer_total": 19900})
    with recording(ratio) as recorded:
        assert (await service.deliver(*wechat.callback(wrong))).status_code == 204
    assert recorded.one(f"POST {CALLBACK}").attributes["minsu.review"] == "amount"
    assert [row["pay_status"] for row in await service.payments()] == [0]
