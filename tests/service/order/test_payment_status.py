"""Payment's word, as Kafka brings it: once, late, twice, out of order, wrong."""

import asyncio
import base64
import hashlib
import json

import pytest

from tests.service.order.support import Order, paid, payment_number, refunded

TRADE, REFUND = "order-update-tradestate-topic", "order-refund-requested-topic"


async def test_a_paid_order_waits_for_its_guest_and_has_a_code(order: Order) -> None:
    sn = await order.create()
    event = paid(sn)

    assert await order.hear(event) == ["SUCCESS"]

    row = order.row(sn)
    assert (row["trade_state"], row["version"]) == (1, 2)
    assert row["payment_sn"] == event["data"]["paymentSn"]
    assert row["paid_at"].isoformat() == "2026-11-23T01:31:20+00:00"
    assert len(row["checkin_code"]) == 8
    assert order.states(sn) == [(1, None, 0), (2, 0, 1)]
    assert order.facts(TRADE) == [
        {"orderSn": sn, "tradeState": 1, "fromState": 0, "changedAt": "2026-11-23T01:30:00Z", "version": 2}
    ]
    assert order.facts(REFUND) == []


async def test_a_payment_of_another_business_is_not_ours_to_look_at(order: Order) -> None:
    event = paid("SHP2026112309302612345678", total_fen=500)
    event["data"]["serviceType"] = "shop"

    assert await order.hear(event) == ["SUCCESS"]

    assert order.rows("select 1 from inbox") == order.rows("select 1 from order_payment") == []


async def test_the_events_leave_through_the_relay_under_the_orders_key(order: Order) -> None:
    sn, _ = await order.paid()
    async with asyncio.timeout(5):
        while (told := await order.peers.published.get())[0] != TRADE:
            pass
    _, entry = told

    assert entry.key == sn
    assert entry.event["id"] == entry.id
    assert (entry.event["type"], entry.event["source"]) == ("minsu.order.tradestate-updated.v1", "minsu/order")


async def test_the_same_event_twice_changes_nothing_more(order: Order) -> None:
    sn = await order.create()
    event = paid(sn)

    assert await order.hear(event, event) == ["SUCCESS", "SUCCESS"]
    assert await order.hear(event) == ["SUCCESS"]

    assert order.row(sn)["version"] == 2
    assert len(order.facts(TRADE)) == 1


async def test_the_same_event_at_the_same_moment_takes_effect_once(order: Order) -> None:
    sn = await order.create()
    event = paid(sn)

    answers = await asyncio.gather(*(order.hear(event) for _ in range(5)))

    assert answers == [["SUCCESS"]] * 5
    assert order.states(sn) == [(1, None, 0), (2, 0, 1)]


async def test_the_same_event_under_another_id_changes_nothing_more(order: Order) -> None:
    sn, payment_sn = await order.paid()

    assert await order.hear(paid(sn, payment_sn=payment_sn)) == ["SUCCESS"]

    assert order.row(sn)["version"] == 2
    assert order.facts(REFUND) == []


async def test_a_second_payment_is_given_back_exactly_once(order: Order) -> None:
    sn, first = await order.paid()
    second = payment_number()

    assert await order.hear(paid(sn, payment_sn=second)) == ["SUCCESS"]
    assert await order.hear(paid(sn, payment_sn=second)) == ["SUCCESS"]
    assert await order.hear(paid(sn, payment_sn=second, version=3)) == ["SUCCESS"]

    row = order.row(sn)
    assert (row["trade_state"], row["payment_sn"], row["refund_opened_at"]) == (1, first, None)
    [request] = order.facts(REFUND)
    assert (request["paymentSn"], request["refundFen"]) == (second, 19900)
    assert (request["cause"], request["reason"]) == ("duplicate-payment", "订单重复支付，自动退款")


async def test_two_payments_at_the_same_moment_pay_once_and_give_back_once(order: Order) -> None:
    sn = await order.create()

    await asyncio.gather(order.hear(paid(sn)), order.hear(paid(sn)))

    assert order.states(sn) == [(1, None, 0), (2, 0, 1)]
    [request] = order.facts(REFUND)
    assert request["paymentSn"] != order.row(sn)["payment_sn"]


async def test_a_payment_for_a_cancelled_order_is_given_back(order: Order) -> None:
    sn = await order.create()
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": sn})
    event = paid(sn, total_fen=100)

    assert await order.hear(event) == ["SUCCESS"]

    assert order.row(sn)["trade_state"] == -1
    [request] = order.facts(REFUND)
    assert (request["paymentSn"], request["refundFen"]) == (event["data"]["paymentSn"], 100)
    assert request["cause"] == "late-payment"
    assert await order.hear(refunded(sn, event["data"]["paymentSn"], total_fen=100)) == ["SUCCESS"]
    assert order.row(sn)["trade_state"] == -1


async def test_a_refunded_order_is_at_its_end(order: Order) -> None:
    sn, payment_sn = await order.paid()

    assert await order.hear(refunded(sn, payment_sn)) == ["SUCCESS"]

    assert order.states(sn) == [(1, None, 0), (2, 0, 1), (3, 1, 3)]
    assert [fact["tradeState"] for fact in order.facts(TRADE)] == [1, 3]


async def test_refunded_before_paid_goes_through_both_and_the_late_event_is_old(order: Order) -> None:
    sn, payment_sn = await order.create(), payment_number()

    assert await order.hear(refunded(sn, payment_sn)) == ["SUCCESS"]
    assert await order.hear(paid(sn, payment_sn=payment_sn)) == ["SUCCESS"]

    assert order.states(sn) == [(1, None, 0), (2, 0, 1), (3, 1, 3)]
    assert order.facts(REFUND) == []


async def test_a_refund_after_the_stay_began_does_not_undo_it(order: Order) -> None:
    sn, payment_sn = await order.paid()
    await order.merchant("/verifyTradeCode", {"tradeCode": order.row(sn)["checkin_code"]})

    assert await order.hear(refunded(sn, payment_sn)) == ["SUCCESS"]

    assert order.row(sn)["trade_state"] == 2


async def test_another_amount_marks_nothing_paid_and_is_poison(order: Order) -> None:
    sn = await order.create()
    event = paid(sn, total_fen=19899)

    assert await order.hear(event) == ["DROP"]

    assert order.row(sn)["trade_state"] == 0
    assert order.rows("select event_id from inbox") == []
    assert order.rows("select id from order_payment") == []
    assert order.facts(TRADE) == []


@pytest.mark.parametrize(
    "change",
    [
        {"orderSn": "PMT2026112309310087654321"},
        {"orderSn": None},
        {"totalFen": 0},
        {"totalFen": "many"},
        {"payTime": "2026-11-23 01:31"},
        {"version": 0},
        {"payStatus": None},
    ],
)
async def test_what_can_never_be_applied_is_dropped_to_the_dead_letters(order: Order, change: dict) -> None:
    sn = await order.create()
    event = paid(sn)
    event["data"] |= change

    assert await order.hear(event) == ["DROP"]
    assert order.row(sn)["version"] == 1


async def test_an_unknown_pay_status_is_taken_and_does_nothing(order: Order) -> None:
    sn = await order.create()
    event = paid(sn)
    event["data"]["payStatus"] = 7

    assert await order.hear(event) == ["SUCCESS"]
    assert order.row(sn)["version"] == 1


async def test_in_a_bulk_one_bad_event_does_not_hold_up_the_others(order: Order) -> None:
    first, second = await order.create(), await order.create()

    assert await order.hear(paid(first), paid("HSO2026112309302600000000"), paid(second)) == [
        "SUCCESS",
        "DROP",
        "SUCCESS",
    ]
    assert [order.row(sn)["trade_state"] for sn in (first, second)] == [1, 1]


async def test_a_dead_letter_is_kept_and_applied_when_its_order_can_be(order: Order) -> None:
    sn = await order.create()
    letter = await order.inside("/events/dead-letters/payment-update-paystatus-topic", paid(sn))

    ticked = await order.inside("/jobs/order-reapply-dead-letters")

    assert letter.json() == {"status": "SUCCESS"}
    assert ticked.json() == {"claimed": 1, "applied": 1, "waiting": 0, "poison": 0}
    assert order.row(sn)["trade_state"] == 1


def as_raw(letter: bytes) -> dict[str, str]:
    """As a sidecar hands over a message that it has not read."""
    wrapped = base64.b64encode(letter).decode()
    own = {"id": "1f0", "source": "Dapr", "specversion": "1.0", "type": "com.dapr.event.sent"}
    return own | {"data_base64": wrapped, "datacontenttype": "application/octet-stream"}


async def test_a_raw_dead_letter_is_the_event_that_it_holds(order: Order) -> None:
    sn = await order.create()
    event = paid(sn)
    await order.inside("/events/dead-letters/payment-update-paystatus-topic", as_raw(json.dumps(event).encode()))
    await order.inside("/events/dead-letters/payment-update-paystatus-topic", event)

    [letter] = order.rows("select source, event_id, body from dead_letter")
    assert (letter["source"], letter["event_id"]) == (event["source"], event["id"])
    assert json.loads(letter["body"]) == event

    await order.inside("/jobs/order-reapply-dead-letters")
    assert order.row(sn)["trade_state"] == 1


async def test_a_letter_that_no_sidecar_can_read_is_kept_as_it_is(order: Order) -> None:
    text = b'{"fen": ' + b"7" * 5000 + b"}"
    answer = await order.inside("/events/dead-letters/payment-update-paystatus-topic", as_raw(text))

    assert answer.json() == {"status": "SUCCESS"}
    assert order.rows("select source, event_id, body from dead_letter") == [
        {"source": "unreadable", "event_id": hashlib.sha256(text).hexdigest(), "body": text.decode()}
    ]


async def test_a_poisonous_dead_letter_waits_for_an_operator_with_its_reason(order: Order) -> None:
    sn = await order.create()
    await order.inside("/events/dead-letters/payment-update-paystatus-topic", paid(sn, total_fen=1))

    await order.inside("/jobs/order-reapply-dead-letters")

    [letter] = order.rows("select state, reason from dead_letter")
    assert letter["state"] == "poison"
    assert f"took 1 fen, order {sn} costs 19900" in letter["reason"]


async def test_only_the_sidecar_may_deliver_events(order: Order) -> None:
    sn = await order.create()
    response = await order.http.post("/events/payment-status", json=paid(sn))

    assert response.status_code == 401
    assert order.row(sn)["version"] == 1
