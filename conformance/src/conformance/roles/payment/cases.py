"""Cases of payment: what it publishes after WeChat's verdicts, refunds that order requests, and the internal methods."""

from typing import Any

from conformance import contracts, events, expecting
from conformance.broker import as_bytes
from conformance.cases import Cases
from conformance.roles import common
from conformance.roles.payment.world import (
    FAILED_TOPIC,
    REQUEST_PATH,
    REQUEST_TOPIC,
    REQUESTED,
    STATUS_TOPIC,
    TOTAL_FEN,
    Paid,
    World,
)

CASES = Cases[World]()
PAID, RETURNED = 1, 2
STATUS_TYPE, FAILED_TYPE = "minsu.payment.paystatus-updated.v2", "minsu.payment.refund-failed.v1"
RETRY_REFUNDS = "payment-retry-refunds"


@CASES.case("settled", "a settled callback: one event by contract, under the order's number")
def settled(world: World) -> None:
    told = world.bus.reader(STATUS_TOPIC)
    payment = world.paid()
    [(key, event)] = told.about(payment.order_sn, 1)
    expecting.equal(key, payment.order_sn, "partition key")
    contracts.check_event(event, "payment", STATUS_TYPE)
    data = event["data"]
    expecting.equal(
        {name: data[name] for name in ("orderSn", "paymentSn", "serviceType", "payStatus", "totalFen", "refundedFen")},
        {
            "orderSn": payment.order_sn,
            "paymentSn": payment.payment_sn,
            "serviceType": "homestayOrder",
            "payStatus": PAID,
            "totalFen": TOTAL_FEN,
            "refundedFen": 0,
        },
        "what the event tells",
    )


@CASES.case("settled-again", "WeChat sends the callback again: no second event")
def settled_again(world: World) -> None:
    told = world.bus.reader(STATUS_TOPIC)
    payment = world.paid()
    told.about(payment.order_sn, 1)
    found = world.sim.get("/_sim/notifications").json()["notifications"]
    [notification] = [each for each in found if each["out_trade_no"] == payment.payment_sn]
    world.control(f"notifications/{notification['id']}/resend", {})
    behind = world.paid()
    told.about(behind.order_sn, 1)
    expecting.equal(len(told.about(payment.order_sn, 1)), 1, "events about the payment")


@CASES.case("refund", "a requested refund: WeChat refunds once, and the event comes after that of the payment")
def refund(world: World) -> None:
    told = world.bus.reader(STATUS_TOPIC)
    payment = world.paid()
    told.about(payment.order_sn, 1)
    request = world.request(payment)
    expecting.equal(world.deliver(request, request), ["SUCCESS"] * 2, "statuses of a request and its duplicate")
    _all_refunded(world, payment)
    expecting.equal(world.deliver(request), ["SUCCESS"], "status of the same request again")
    world.door.tick(RETRY_REFUNDS)
    found = told.about(payment.order_sn, 2)
    expecting.equal([key for key, _ in found], [payment.order_sn] * 2, "partition keys")
    for _, event in found:
        contracts.check_event(event, "payment", STATUS_TYPE)
    order = [(event["data"]["payStatus"], event["data"]["refundedFen"]) for _, event in found]
    expecting.equal(order, [(PAID, 0), (RETURNED, TOTAL_FEN)], "payStatus and refundedFen, in the order of the events")
    versions = [event["data"]["version"] for _, event in found]
    expecting.true(versions[0] < versions[1], f"versions do not grow: {versions}")
    expecting.equal([each["amount"] for each in world.refunds(payment)], [TOTAL_FEN], "refunds at WeChat, in fen")


@CASES.case("refund-part", "a part goes back: payStatus stays 1, refundedFen says how much")
def refund_part(world: World) -> None:
    told = world.bus.reader(STATUS_TOPIC)
    payment = world.paid()
    told.about(payment.order_sn, 1)
    expecting.equal(world.deliver(world.request(payment, 5000)), ["SUCCESS"], "status of the request")
    _all_refunded(world, payment)
    [_, (_, event)] = told.about(payment.order_sn, 2)
    data = event["data"]
    expecting.equal((data["payStatus"], data["refundedFen"]), (PAID, 5000), "payStatus and refundedFen")


@CASES.case("refund-kafka", "a refund request through Kafka and the sidecar is refunded, once")
def refund_kafka(world: World) -> None:
    payment = world.paid()
    _until_paid(world, payment)
    request = as_bytes(world.request(payment))
    world.bus.publish(REQUEST_TOPIC, payment.order_sn, request, request)
    _all_refunded(world, payment)
    expecting.equal([each["amount"] for each in world.refunds(payment)], [TOTAL_FEN], "refunds at WeChat, in fen")


@CASES.case("refund-impossible", "more than was paid: nothing goes back, and the failure is told by contract")
def refund_impossible(world: World) -> None:
    failed = world.bus.reader(FAILED_TOPIC)
    payment = world.paid()
    _until_paid(world, payment)
    request = world.request(payment, TOTAL_FEN + 1)
    expecting.equal(world.deliver(request), ["SUCCESS"], "status of the request")
    [(key, event)] = failed.about(payment.order_sn, 1)
    expecting.equal(key, payment.order_sn, "partition key")
    contracts.check_event(event, "payment", FAILED_TYPE)
    expecting.equal(event["data"]["requestSn"], request["data"]["requestSn"], "requestSn of the failure")
    expecting.equal(world.refunds(payment), [], "refunds at WeChat")


@CASES.case("refund-versions", "every example of every version of the refund request is taken")
def versions(world: World) -> None:
    for message in contracts.consumed("payment"):
        expecting.true(message.examples, f"{message.name} has no example")
        for example in message.examples:
            payment = world.paid()
            _until_paid(world, payment)
            own = {"requestSn": events.sn("RFR"), "orderSn": payment.order_sn, "paymentSn": payment.payment_sn}
            body = events.event("order", message.type, payment.order_sn, example | own)
            expecting.equal(world.deliver(body), ["SUCCESS"], f"status of an example of {message.name}")
            _all_refunded(world, payment)


@CASES.case("refund-unknown-payment", "a request for a payment that is unknown or was never paid is a dead letter")
def unknown_payment(world: World) -> None:
    payment = world.started()
    unknown = Paid(payment.order_sn, events.sn("PMT"))
    statuses = world.deliver(world.request(unknown), world.request(payment))
    expecting.equal(statuses, ["DROP"] * 2, "statuses of an unknown and of an unpaid payment")
    expecting.equal(world.refunds(payment), [], "refunds at WeChat")


@CASES.case("poison-in-bulk", "in a bulk each poison is DROP, its neighbours are applied")
def poison(world: World) -> None:
    payment = world.paid()
    _until_paid(world, payment)
    good = world.request(payment)
    data = good["data"]
    bad: dict[str, Any] = {
        "data is null": None,
        "no requestSn": {name: value for name, value in data.items() if name != "requestSn"},
        "no paymentSn": {name: value for name, value in data.items() if name != "paymentSn"},
        "refundFen 0": data | {"refundFen": 0},
        "refundFen as text": data | {"refundFen": "100"},
        "refundFen beyond 2³¹": data | {"refundFen": 10**300},
        "a reason beyond 80 characters": data | {"reason": "长" * 81},
    }
    bodies = [*(events.event("order", REQUESTED, payment.order_sn, each) for each in bad.values()), good]
    keys = [*(f"poison {place}" for place in range(len(bad))), payment.order_sn]
    statuses = dict(zip([*bad, "good"], world.door.deliver(REQUEST_PATH, REQUEST_TOPIC, bodies, keys), strict=True))
    wanted = dict.fromkeys(bad, "DROP") | {"good": "SUCCESS"}
    expecting.equal({name: each for name, each in statuses.items() if each != wanted[name]}, {}, "statuses")
    _all_refunded(world, payment)


@CASES.case(
    "database-down-retry", "refund requests while the database is down: RETRY, and refunded when they come again"
)
def database_down(world: World) -> None:
    payment = world.paid()
    _until_paid(world, payment)
    request = world.request(payment)
    with world.without_database():
        expecting.equal(world.deliver(request), ["RETRY"], "status without database")
    world.door.ready(200)
    expecting.equal(world.refunds(payment), [], "refunds at WeChat after RETRY")
    expecting.equal(world.deliver(request), ["SUCCESS"], "status with the database")
    _all_refunded(world, payment)


@CASES.case("internal-methods", "paymentByOrder and close: their shapes, and orders without a payment")
def internal_methods(world: World) -> None:
    payment, unknown = world.paid(), Paid(events.sn("HSO"), "")
    _until_paid(world, payment)
    found = world.status(payment)
    contracts.check_response("payment", "/internal/paymentByOrder", found)
    expecting.equal(
        {name: (found or {}).get(name) for name in ("sn", "orderSn", "totalFen", "refundedFen")},
        {"sn": payment.payment_sn, "orderSn": payment.order_sn, "totalFen": TOTAL_FEN, "refundedFen": 0},
        "the payment of the order",
    )
    expecting.equal(world.status(unknown), None, "the payment of an order without one")
    outcomes = {}
    for name, each in (("paid", payment), ("open", world.started()), ("none", unknown)):
        response = world.called_by("order", "close", {"orderSn": each.order_sn})
        expecting.equal(response.status_code, 200, f"status of close, {name}")
        contracts.check_response("payment", "/internal/close", response.json())
        outcomes[name] = response.json()["outcome"]
    expecting.equal(outcomes, {"paid": "paid", "open": "closed", "none": "neverPaid"}, "outcomes of close")


def _until_paid(world: World, payment: Paid) -> None:
    def status() -> int | None:
        return (world.status(payment) or {}).get("payStatus")

    expecting.eventually(status, lambda found: found == PAID, f"payStatus of {payment.payment_sn}")


def _all_refunded(world: World, payment: Paid) -> None:
    """The refund is at WeChat, and has succeeded there."""

    def states() -> list[str]:
        world.door.tick(RETRY_REFUNDS)
        return [each["status"] for each in world.refunds(payment)]

    expecting.eventually(states, lambda found: found == ["SUCCESS"], f"refunds of {payment.payment_sn} at WeChat")


CASES.include(common.CASES)
