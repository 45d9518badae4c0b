"""Cases of order: the pay-status topic, and the internal methods."""

from typing import Any

from conformance import contracts, events, expecting
from conformance.broker import as_bytes
from conformance.cases import Cases
from conformance.roles import common
from conformance.roles.order.world import (
    PAYMENT_TOPIC,
    REFUNDED,
    REQUEST_TOPIC,
    STATE_TOPIC,
    TOTAL_FEN,
    V1,
    V2,
    WAIT_PAY,
    WAIT_USE,
    World,
)

CASES = Cases[World]()
DEAD_LETTERS = f"{PAYMENT_TOPIC}.order.dlq"


@CASES.case("paid", "a payment of the order's total: it waits for its use, and is told once, under its number")
def paid(world: World) -> None:
    told = world.bus.reader(STATE_TOPIC)
    number = world.order()
    expecting.equal(world.state(number), WAIT_PAY, "tradeState before the payment")
    event = world.payment(number)
    world.accepted(event)
    found = world.detail(number)
    expecting.equal(
        (found["tradeState"], found["paymentSn"], found["totalFen"]),
        (WAIT_USE, event["data"]["paymentSn"], TOTAL_FEN),
        "tradeState, paymentSn and totalFen",
    )
    [(key, event)] = told.about(number, 1)
    expecting.equal(key, number, "partition key")
    contracts.check_event(event, "order", "minsu.order.tradestate-updated.v1")
    expecting.equal((event["data"]["tradeState"], event["data"]["fromState"]), (WAIT_USE, WAIT_PAY), "states told")


@CASES.case("paid-versions", "every example of every version of the pay-status event is taken")
def versions(world: World) -> None:
    for message in contracts.consumed("order"):
        expecting.true(message.examples, f"{message.name} has no example")
        if message.topic != PAYMENT_TOPIC:
            continue
        for example in message.examples:
            number = world.order()
            own: dict[str, Any] = {"orderSn": number, "totalFen": TOTAL_FEN, "paymentSn": events.sn("PMT")}
            if "refundedFen" in example:
                own["refundedFen"] = example["refundedFen"] * TOTAL_FEN // example["totalFen"]
            body = events.event("payment", message.type, own["paymentSn"], example | own)
            expecting.equal(world.deliver(body), ["SUCCESS"], f"status of an example of {message.name}")
            is_ours = example.get("serviceType", "homestayOrder") == "homestayOrder"
            if not is_ours:
                expecting.equal(world.state(number), WAIT_PAY, "tradeState after an event of another business")
            elif example["payStatus"] == 1:
                expecting.equal(world.state(number), WAIT_USE, f"tradeState after an example of {message.name}")


@CASES.case("paid-duplicates", "the same event again, in a bulk, later and through Kafka: told once, nothing changes")
def duplicates(world: World) -> None:
    told = world.bus.reader(STATE_TOPIC)
    number, behind = world.order(), world.order()
    event = world.payment(number)
    world.accepted(event, event)
    world.accepted(event)
    version = world.detail(number)
    world.bus.publish(PAYMENT_TOPIC, number, *(as_bytes(each) for each in (event, event, world.payment(behind))))
    world.settled([behind], WAIT_USE)
    told.about(behind, 1)
    expecting.equal(len(told.about(number, 1)), 1, "events that tell of the order")
    expecting.equal(world.detail(number), version, "the order after the duplicates")


@CASES.case("paid-older-version", "an older version of a payment changes nothing: refunded stays refunded")
def older_version(world: World) -> None:
    number = world.order()
    paid = world.payment(number)
    world.accepted(paid)
    world.accepted(world.returned(paid))
    expecting.equal(world.state(number), REFUNDED, "tradeState after all went back")
    world.accepted(events.event("payment", V2, paid["subject"], paid["data"]))  # told anew, with an id of its own
    expecting.equal(world.state(number), REFUNDED, "tradeState after an older version")


@CASES.case("paid-reordered", "refunded before paid: the order ends refunded")
def reordered(world: World) -> None:
    number = world.order()
    paid = world.payment(number)
    world.accepted(world.returned(paid), paid)
    world.settled([number], REFUNDED)


@CASES.case("paid-twice", "a second payment: its refund is requested once, and the order goes on")
def paid_twice(world: World) -> None:
    asked = world.bus.reader(REQUEST_TOPIC)
    number = world.order()
    first, second = world.payment(number), world.payment(number)
    world.accepted(first)
    world.accepted(second)
    world.accepted(second)
    [(key, event)] = asked.about(number, 1)
    expecting.equal(key, number, "partition key")
    contracts.check_event(event, "order", "minsu.order.refund-requested.v1")
    data = event["data"]
    expecting.equal(
        (data["paymentSn"], data["refundFen"], data["cause"]),
        (second["data"]["paymentSn"], TOTAL_FEN, "duplicate-payment"),
        "payment, amount and cause of the refund request",
    )
    expecting.equal((world.state(number), world.detail(number)["paymentSn"]), (WAIT_USE, first["subject"]), "the order")


@CASES.case("paid-unknown-members", "unknown members of envelope and data are ignored")
def unknown_members(world: World) -> None:
    number = world.order()
    event = world.payment(number, coupon={"fen": [1, None]}, nested={"orderSn": "none"}) | {"somethingnew": 1}
    world.accepted(event)
    expecting.equal(world.state(number), WAIT_USE, "tradeState")


@CASES.case("paid-other-business", "a payment of another business is done, and nothing happens")
def other_business(world: World) -> None:
    number = world.order()
    world.accepted(world.payment(number, serviceType="ticketOrder"))
    expecting.equal(world.state(number), WAIT_PAY, "tradeState")


@CASES.case("poison-in-bulk", "in a bulk each poison is DROP, its neighbours are applied")
def poison(world: World) -> None:
    before, after, number = (world.order() for _ in range(3))
    good = world.payment(number)["data"]
    bad: dict[str, Any] = {
        "data is null": None,
        "no orderSn": {name: value for name, value in good.items() if name != "orderSn"},
        "no paymentSn": {name: value for name, value in good.items() if name != "paymentSn"},
        "totalFen 0": good | {"totalFen": 0},
        "totalFen beyond 2⁵³": good | {"totalFen": 10**300},
        "version as text": good | {"version": "two"},
        "version beyond 2³¹": good | {"version": 2**31},
        "payTime without a zone": good | {"payTime": "2026-12-01T00:00:00"},
        "more back than paid": good | {"refundedFen": TOTAL_FEN + 1},
    }
    bodies = [
        world.payment(before),
        *(events.event("payment", V2, number, data) for data in bad.values()),
        world.payment(after),
    ]
    keys = [before, *(f"poison {place}" for place in range(len(bad))), after]
    statuses = dict(
        zip(
            ["before", *bad, "after"],
            world.door.deliver("/events/payment-status", PAYMENT_TOPIC, bodies, keys),
            strict=True,
        )
    )
    wanted = {"before": "SUCCESS"} | dict.fromkeys(bad, "DROP") | {"after": "SUCCESS"}
    expecting.equal({name: each for name, each in statuses.items() if each != wanted[name]}, {}, "statuses")
    expecting.equal(
        [world.state(each) for each in (before, after, number)], [WAIT_USE, WAIT_USE, WAIT_PAY], "tradeStates"
    )


@CASES.case("poison-kafka", "poison among good events of one partition: a dead letter, the others are applied")
def poison_kafka(world: World) -> None:
    letters = world.bus.reader(DEAD_LETTERS)
    before, after, number = (world.order() for _ in range(3))
    bodies = (world.payment(before), world.payment(number, kind=V1, totalFen=-1), world.payment(after))
    world.bus.publish(PAYMENT_TOPIC, before, *map(as_bytes, bodies))
    world.settled([before, after], WAIT_USE)
    letters.about(number, 1)
    expecting.equal(world.state(number), WAIT_PAY, "tradeState of the order with the poison")


@CASES.case(
    "database-down-retry", "events while the database is down: RETRY for each, and applied when they come again"
)
def database_down(world: World) -> None:
    numbers = [world.order() for _ in range(3)]
    bodies = [world.payment(each) for each in numbers]
    with world.without_database():
        expecting.equal(world.deliver(*bodies), ["RETRY"] * 3, "statuses without database")
    world.door.ready(200)
    expecting.equal([world.state(each) for each in numbers], [WAIT_PAY] * 3, "tradeStates after RETRY")
    world.accepted(*bodies)
    expecting.equal([world.state(each) for each in numbers], [WAIT_USE] * 3, "tradeStates")


@CASES.case("internal-methods", "orderDetail, orders, payable, payables: their shapes, and numbers without an order")
def internal_methods(world: World) -> None:
    number, unknown = world.order(), events.sn("HSO")
    one = {"orderSn": number}
    several = {"orderSns": [number, unknown]}
    calls = (
        ("notification", "orderDetail", one),
        ("payment", "payable", one),
        ("notification", "orders", several),
        ("payment", "payables", several),
    )
    for caller, method, body in calls:
        response = world.called_by(caller, method, body)
        expecting.equal(response.status_code, 200, f"status of {method}")
        contracts.check_response("order", f"/internal/{method}", response.json())
    found = world.called_by("notification", "orders", several).json()["orders"]
    expecting.equal([each["sn"] for each in found], [number], "orders that were found")
    expecting.equal(found[0], world.detail(number), "orders and orderDetail of the same order")
    owed = world.called_by("payment", "payable", one).json()
    expecting.equal((owed["orderSn"], owed["totalFen"], owed["payable"]), (number, TOTAL_FEN, True), "what is payable")
    for caller, method in (("notification", "orderDetail"), ("payment", "payable")):
        response = world.called_by(caller, method, {"orderSn": unknown})
        expecting.equal(response.status_code, 404, f"status of {method} for a number without an order")
        kind = response.headers["content-type"].partition(";")[0]
        expecting.equal(kind, "application/problem+json", "content type of the refusal")
    response = world.called_by("notification", "orderDetail", {"orderSn": 7})
    expecting.true(400 <= response.status_code < 500, f"status of a request of another shape: {response.status_code}")


CASES.include(common.CASES)
