"""Operators find an order by what they know of it, and see how it came to its state."""

from typing import Any

import pytest

from tests.service.order.support import BUYER, STRANGER, Order

OPERATOR = 301


async def data(order: Order, name: str, body: Any) -> Any:
    response = await order.post(f"/ops/{name}", body, user=OPERATOR, roles=["operator"])
    assert response.status_code == 200, response.text
    return response.json()["data"]


async def test_an_order_is_found_by_its_number_its_buyer_and_its_checkin_code(order: Order) -> None:
    first, payment_sn = await order.paid()
    second = await order.create()
    other = await order.create(user=STRANGER)
    row = order.row(first)

    [found] = (await data(order, "orderFind", {"sn": first}))["list"]
    assert found == {
        "sn": first,
        "userId": BUYER,
        "homestayId": 7,
        "homestayBusinessId": row["homestay_business_id"],
        "title": row["title"],
        "tradeState": 1,
        "closing": False,
        "refundState": "none",
        "orderTotalFen": 19900,
        "refundedFen": 0,
        "liveStartDate": "2026-11-23",
        "liveEndDate": "2026-11-24",
        "paymentSn": payment_sn,
        "createdAt": "2026-11-23T01:30:00Z",
        "closeAt": "2026-11-23T02:00:00Z",
        "paidAt": "2026-11-23T01:31:20Z",
        "version": 2,
    }
    of_buyer = (await data(order, "orderFind", {"userId": BUYER}))["list"]
    assert [each["sn"] for each in of_buyer] == [second, first]
    assert [each["sn"] for each in (await data(order, "orderFind", {"userId": STRANGER}))["list"]] == [other]
    by_code = (await data(order, "orderFind", {"checkinCode": row["checkin_code"]}))["list"]
    assert by_code == [found]


async def test_who_looks_for_a_persons_orders_is_in_the_audit_with_the_reason(order: Order) -> None:
    sn, _ = await order.paid()
    await data(order, "orderFind", {"sn": sn})
    assert order.rows("select * from operator_act") == []
    await data(order, "orderFind", {"userId": BUYER, "note": "guest calls"})
    await data(order, "orderFind", {"checkinCode": order.row(sn)["checkin_code"]})
    await data(order, "orderFind", {"checkinCode": "ABCDEFGH", "note": "guest calls"})
    assert order.rows("select operator_id, act, subject, note from operator_act order by seq") == [
        {"operator_id": OPERATOR, "act": "orders-read", "subject": f"user:{BUYER}", "note": "guest calls"},
        {"operator_id": OPERATOR, "act": "orders-read", "subject": f"order:{sn}", "note": None},
    ]


@pytest.mark.parametrize("body", [{"sn": "HSO2026112309302600000000"}, {"userId": 999}, {"checkinCode": "ABCDEFGH"}])
async def test_what_belongs_to_no_order_finds_none(order: Order, body: Any) -> None:
    await order.paid()
    assert await data(order, "orderFind", body) == {"list": []}


@pytest.mark.parametrize("body", [{}, {"userId": 1, "checkinCode": "ABCDEFGH"}, {"sn": "x"}, {"checkinCode": "abc"}])
async def test_a_search_for_nothing_or_for_two_things_is_refused(order: Order, body: Any) -> None:
    response = await order.post("/ops/orderFind", body, user=OPERATOR, roles=["operator"])
    assert response.status_code == 422


async def test_the_steps_of_an_order_are_its_changes_its_refunds_and_what_operators_did(order: Order) -> None:
    sn, payment_sn = await order.paid()
    order.clock.pass_by(minutes=5)
    assert (await order.post("/homestayOrder/refundHomestayOrder", {"sn": sn, "reason": "改期"})).status_code == 200
    [refund] = order.rows("select * from order_refund")

    told = await data(order, "orderSteps", {"sn": sn})

    assert (told["order"]["sn"], told["order"]["paymentSn"]) == (sn, payment_sn)
    empty = {"before": None, "after": None, "source": None, "detail": None, "fen": None}
    assert told["steps"] == [
        empty | {"at": "2026-11-23T01:30:00Z", "what": "order_state", "number": sn, "after": "0", "source": "created"},
        empty
        | {
            "at": "2026-11-23T01:30:00Z",
            "what": "order_state",
            "number": sn,
            "before": "0",
            "after": "1",
            "source": "paid",
            "detail": told["steps"][1]["detail"],
        },
        empty
        | {
            "at": "2026-11-23T01:35:00Z",
            "what": "refund_asked",
            "number": refund["request_sn"],
            "source": "buyer",
            "fen": refund["refund_fen"],
        },
    ]


async def test_the_steps_say_who_retried_a_closing(order: Order) -> None:
    sn = await order.create()
    order.peers.payment_is_away()
    await order.post("/homestayOrder/cancelHomestayOrder", {"sn": sn})
    order.clock.pass_by(seconds=1)
    await data(order, "closingRetry", {"sn": sn, "note": "why"})

    steps = (await data(order, "orderSteps", {"sn": sn}))["steps"]
    assert [(each["what"], each["after"], each["source"], each["detail"]) for each in steps] == [
        ("order_state", "0", "created", None),
        ("order_closing", None, "buyer", None),
        ("act", "retry-closing", f"operator:{OPERATOR}", "why"),
    ]


async def test_an_order_that_does_not_exist_has_no_steps(order: Order) -> None:
    response = await order.post(
        "/ops/orderSteps", {"sn": "HSO2026112309302600000000"}, user=OPERATOR, roles=["operator"]
    )
    assert (response.status_code, response.json()["field"]) == (404, "sn")


@pytest.mark.parametrize("name", ["orderFind", "orderSteps", "publishedEvents", "receivedEvents"])
async def test_only_operators_look(order: Order, name: str) -> None:
    response = await order.post(f"/ops/{name}", {"sn": "HSO2026112309302600000000"}, roles=["buyer", "merchant"])
    assert response.status_code == 403


async def test_events_of_an_order_are_told_by_publisher_and_consumer(order: Order) -> None:
    sn, _ = await order.paid()
    await order.paid()

    found = await data(order, "publishedEvents", {"key": sn})
    assert found["keepDays"] == 7
    published = found["list"]
    rows = order.rows("select * from outbox where partition_key = %s order by id", sn)
    assert [each["eventId"] for each in published] == [row["event_id"] for row in rows]
    assert {each["source"] for each in published} == {"minsu/order"}
    assert [each["topic"] for each in published][-1] == "order-update-tradestate-topic"
    assert all(len(each["traceId"]) == 32 for each in published)

    taken = order.rows("select * from inbox order by received_at")
    refs = [{"source": row["source"], "eventId": row["event_id"]} for row in taken]
    asked = [refs[0], {"source": "minsu/payment", "eventId": "never came"}]
    told = await data(order, "receivedEvents", {"events": asked})
    assert [(each["source"], each["eventId"]) for each in told["taken"]] == [("minsu/payment", refs[0]["eventId"])]
    assert told["letters"] == []
