"""A payment is started in the trace of its booking, which order returns, and settled there, linked to what settled it.
Reviews are exported."""

import pytest

from servicekit.telemetry import traces
from tests.service.payment.refunding import ask, end, in_state
from tests.service.payment.support import CALLBACK, PREPAY, REFUND_CALLBACK, payable
from tests.support.tracing import ids, links, recording


async def test_a_payment_is_settled_in_the_trace_of_its_prepay(service, wechat):
    with recording() as recorded:
        number = await service.paid()
        assert (await service.deliver(*wechat.notification(number))).status_code == 204
    prepay, callback = recorded.one(f"POST {PREPAY}"), recorded.one(f"POST {CALLBACK}")
    started, settled = recorded.one("start payment"), recorded.one("settle payment")
    together = recorded.one("settle payments")
    assert (started.context.trace_id, started.parent.span_id, links(started)) == (*ids(prepay), set())
    assert (settled.context.trace_id, settled.parent.span_id) == ids(started)
    assert links(settled) == {ids(callback), ids(together)}
    assert together.parent.span_id == callback.context.span_id
    assert callback.context.trace_id != prepay.context.trace_id
    order_sn = (await service.payments())[0]["order_sn"]
    for span in (prepay, started, settled):
        assert (span.attributes["minsu.payment_sn"], span.attributes["minsu.order_sn"]) == (number, order_sn)
    assert callback.attributes["minsu.payment_sn"] == number
    [row] = await service.rows("outbox")
    followed = traces.written(settled.context)
    assert (row["event"]["traceparent"], row["event"]["traceid"]) == (followed.traceparent, followed.traceparent)


BOOKING = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_a_payment_goes_on_in_the_trace_of_its_booking_linked_to_its_own_request(service, sidecar, wechat):
    sidecar.answer("order", "/internal/payable", payable(traceparent=BOOKING, tracestate="vendor=1"))
    with recording() as recorded:
        number = await service.paid()
        assert (await service.deliver(*wechat.notification(number))).status_code == 204
    prepay, started = recorded.one(f"POST {PREPAY}"), recorded.one("start payment")
    assert started.context.trace_id == recorded.one("settle payment").context.trace_id == int(BOOKING[3:35], 16)
    assert (started.parent.span_id, links(started)) == (int(BOOKING[36:52], 16), {ids(prepay)})
    assert recorded.one("settle payment").parent.span_id == started.context.span_id
    assert prepay.context.trace_id != started.context.trace_id
    [payment] = await service.payments()
    kept = traces.written(started.context)
    assert (payment["traceparent"], payment["tracestate"]) == (kept.traceparent, "vendor=1")


async def test_a_booking_that_was_not_sampled_has_no_sampled_payment(service, sidecar, wechat):
    sidecar.answer("order", "/internal/payable", payable(traceparent=f"{BOOKING[:-2]}00"))
    with recording() as recorded:
        number = await service.paid()
        assert (await service.deliver(*wechat.notification(number))).status_code == 204
    assert [recorded.named(name) for name in ("start payment", "settle payment")] == [[], []]
    assert recorded.one(f"POST {PREPAY}").attributes["minsu.payment_sn"] == number


async def test_without_an_sdk_a_payment_is_in_its_bookings_trace_and_its_log_lines_in_their_requests(
    service, sidecar, wechat
):
    sidecar.answer("order", "/internal/payable", payable(traceparent=BOOKING))
    answer = await service.prepay()
    wechat.pay(answer.json()["data"]["paymentSn"])
    await service.deliver(*wechat.notification(answer.json()["data"]["paymentSn"]))
    [row] = await service.rows("outbox")
    assert row["event"]["traceparent"] == BOOKING
    assert answer.headers["trace-id"] != BOOKING[3:35]


@pytest.mark.parametrize("wrong", ["", "00-0-0-01", f"00-{'0' * 32}-00f067aa0ba902b7-01", "x" * 4000])
async def test_what_is_no_context_is_none(service, sidecar, wrong):
    sidecar.answer("order", "/internal/payable", payable(traceparent=wrong))
    with recording() as recorded:
        await service.paid()
    assert (recorded.one("start payment").context.trace_id, links(recorded.one("start payment"))) == (
        recorded.one(f"POST {PREPAY}").context.trace_id,
        set(),
    )


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
    assert (settled.context.trace_id, settled.parent.span_id) == ids(recorded.one("start payment"))


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
    assert (settled.context.trace_id, settled.parent.span_id) == ids(recorded.one("start payment"))
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
