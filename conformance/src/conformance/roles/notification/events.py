"""Cases of notification: what an event leads to, whatever number of times and in whatever order it comes."""

from conformance import contracts, events, expecting
from conformance.broker import as_bytes
from conformance.cases import Cases
from conformance.roles.notification.world import (
    CANCELLED,
    PAID,
    REFUND_TOPIC,
    REFUNDED,
    STATE_PATH,
    STATE_TOPIC,
    STAY,
    USED,
    World,
)
from conformance.wechat import Fault

CASES = Cases[World]()
BULK = 260
"""More entries than maxMessagesCount of the subscription (200)."""


@CASES.case("event-paid", "a paid order: two messages to the buyer, with its number, amount, days and code")
def paid(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    world.accepted(world.state(number))
    world.delivered_once(guest, STAY, number)
    found = {each["template_id"]: each["data"] for each in world.wechat.messages(guest.openid)}
    paid, arrival = (found[world.wechat.templates[kind]] for kind in STAY)
    expecting.equal(
        (paid["character_string6"], paid["thing1"], paid["amount2"]),
        (number, "西湖边的院子", "¥199.00"),
        "number, title and amount of the message `paid`",
    )
    expecting.equal(
        (paid["time4"][:10], paid["time5"][:10]), ("2026年12月1日", "2026年12月3日"), "days of the message `paid`"
    )
    expecting.equal(
        (arrival["date2"], arrival["date3"], arrival["character_string4"]),
        ("2026年12月1日", "2026年12月3日", "K7MP3WXR"),
        "days and code of the message `before_arrival`",
    )


@CASES.case("event-refunded", "a refunded order: one message to the buyer, with the refunded amount")
def refunded(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    world.refund(number, 9950)
    world.accepted(world.state(number, REFUNDED))
    world.delivered_once(guest, ["refunded"], number)
    [message] = world.wechat.messages(guest.openid)
    expecting.equal(message["data"]["amount3"], "¥99.50", "amount of the message `refunded`")


@CASES.case("event-given-back", "late and partial refunds: a message per payment, or per part of one")
def given_back(world: World) -> None:
    guest = world.guest()
    number = world.order(guest, tradeState=USED)
    returned = world.refund_update(number, "returned")
    parts = [
        world.refund_update(
            number, "part-returned", refundFen=100, cause="goodwill", changedAt=f"2026-12-01T0{hour}:00:00Z"
        )
        for hour in (1, 2)
    ]
    world.accepted(returned)
    world.accepted(*parts)
    world.accepted(world.refund_update(number, "returned"))  # another event about the same payment's money
    expecting.equal(sorted(world.settled(number)[number].values()), ["sent"] * 3, "states of the messages")
    amounts = sorted(each["data"]["amount3"] for each in world.wechat.messages(guest.openid))
    expecting.equal(amounts, ["¥1.00", "¥1.00", "¥199.00"], "amounts of the messages")


@CASES.case("event-refund-asked", "a refund request: one message to the host while it is open, none when it is decided")
def refund_asked(world: World) -> None:
    host = world.guest()
    asked_at = "2026-12-01T01:00:00.250000Z"
    open_request, decided = (
        world.order(
            world.guest(),
            homestayUserId=host.user_id,
            refundState=state,
            refundAskedAt=asked_at,
            refundAnswerBy="2026-12-02T01:00:00Z",
        )
        for state in ("asked", "declined")
    )
    world.accepted(
        *(world.refund_update(each, "asked", cause="buyer", changedAt=asked_at) for each in (open_request, decided))
    )
    states = world.settled(open_request, decided)
    expecting.equal(
        states,
        {open_request: {"refund_asked": "sent"}, decided: {"refund_asked": "cancelled"}},
        "states of the messages",
    )
    expecting.equal(world.arrived(host), world.once(["refund_asked"], [open_request]), "messages to the host")


@CASES.case("event-versions", "every example of every event version in contracts/events is applied")
def versions(world: World) -> None:
    for message in contracts.consumed("notification"):
        expecting.true(message.examples, f"{message.name} has no example")
        for example in message.examples:
            number = world.order(world.guest())
            body = events.event("order", message.type, number, example | {"orderSn": number})
            expecting.equal(world.deliver(body), ["SUCCESS"], f"status of an example of {message.name}")


@CASES.case("event-unknown-members", "unknown members of envelope and data are ignored")
def unknown_members(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    event = world.state(number, somethingnew={"deep": [1, None, {"a": "b"}]})
    event["data"] |= {"loyaltyPoints": 12, "nested": {"orderSn": "no order", "tradeState": CANCELLED}, "list": [[]]}
    world.accepted(event)
    world.delivered_once(guest, STAY, number)


@CASES.case("event-unknown-version", "a later version is applied as far as it can be read, and never lost otherwise")
def unknown_version(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    later = world.state(number, type="minsu.order.tradestate-updated.v9")
    other = events.event("order", "minsu.order.tradestate-updated.v9", number, {"order": {"number": number}})
    statuses = world.door.deliver(STATE_PATH, STATE_TOPIC, [later, other], [number, "other"])
    expecting.equal(statuses, ["SUCCESS", "DROP"], "statuses of one that reads as v1, and one that does not")
    world.delivered_once(guest, STAY, number)


@CASES.case("event-unknown-state", "a refund state that is not known leads to nothing and is done")
def unknown_state(world: World) -> None:
    number = world.order(world.guest())
    world.accepted(world.refund_update(number, "reconsidered"))
    expecting.equal(world.tasks(number), {}, "messages")


@CASES.case("duplicate-in-bulk", "the same event twice in one bulk: each message once")
def duplicate_in_bulk(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    event = world.state(number)
    world.accepted(event, event)
    world.delivered_once(guest, STAY, number)


@CASES.case(
    "duplicate-later", "the same event again after its messages, by bulk, alone and through Kafka: no further message"
)
def duplicate_later(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    event = world.state(number)
    world.accepted(event)
    world.delivered_once(guest, STAY, number)
    world.accepted(event)
    single = world.door.request("POST", world.door.delivered(STATE_PATH), body=event, headers=world.door.as_sidecar)
    expecting.equal((single.status_code, single.json()), (200, {"status": "SUCCESS"}), "response to a single delivery")
    behind = world.order(
        guest
    )  # of the same partition, by its key: when its messages are there, the duplicates are done
    bodies = [events.event("order", event["type"], behind, {**event["data"], "orderSn": behind})]
    world.bus.publish(STATE_TOPIC, number, *(as_bytes(each) for each in (event, event, *bodies)))
    expecting.eventually(lambda: world.tasks(behind), bool, "the event behind the duplicates in Kafka")
    world.settled(number, behind)
    expecting.equal(world.arrived(guest), world.once(STAY, [number, behind]), "messages that arrived")


@CASES.case("duplicate-fact", "two events about the same fact: each message once")
def duplicate_fact(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    world.accepted(world.state(number), world.state(number))
    world.accepted(world.state(number))
    world.delivered_once(guest, STAY, number)


@CASES.case("duplicate-takes-effect-once", "an old event that comes again undoes nothing that came after it")
def takes_effect_once(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    world.wechat.always(guest.openid, Fault(errcode=-1))
    left = world.state(number, CANCELLED)
    world.accepted(left)
    world.accepted(world.state(number))
    world.accepted(left)
    expecting.equal(world.tasks(number), dict.fromkeys(STAY, "pending"), "the messages after the old event came again")
    world.wechat.clear()
    world.delivered_once(guest, STAY, number)


@CASES.case("received-events", "operators see which events took effect, each once")
def received_events(world: World) -> None:
    number = world.order(world.guest())
    event = world.state(number)
    world.accepted(event, event)
    other = world.state(number)
    wanted = [{"source": each["source"], "eventId": each["id"]} for each in (event, other)]
    found = world.operator("receivedEvents", {"events": wanted})["taken"]
    expecting.equal([each["eventId"] for each in found], [event["id"]], "events that took effect")


@CASES.case("order-refunded-first", "refunded before paid: the refund is told, the stay is not")
def refunded_first(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    world.refund(number)
    world.accepted(world.state(number, REFUNDED))
    world.accepted(world.state(number, PAID))
    states = world.settled(number)[number]
    expecting.equal(states, {"refunded": "sent"} | dict.fromkeys(STAY, "cancelled"), "states of the messages")
    expecting.equal(world.arrived(guest), world.once(["refunded"], [number]), "messages that arrived")


@CASES.case("order-cancelled-before-sent", "an order that ends before its messages are sent: none is sent")
def cancelled_before_sent(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    world.wechat.always(guest.openid, Fault(errcode=-1))
    world.accepted(world.state(number))
    world.orders.found[number] |= {"tradeState": USED}
    world.accepted(world.state(number, USED))
    world.wechat.clear()
    expecting.equal(world.settled(number)[number], dict.fromkeys(STAY, "cancelled"), "states of the messages")
    expecting.equal(world.arrived(guest), {}, "messages that arrived")


@CASES.case("bulk-larger-than-usual", f"a bulk of {BULK} events: a status for each, each applied once")
def large_bulk(world: World) -> None:
    guest = world.guest()
    numbers = [world.order(guest) for _ in range(BULK)]
    paid = numbers[::13]
    world.accepted(*(world.state(each, PAID if each in paid else CANCELLED) for each in numbers))
    world.delivered_once(guest, STAY, *paid)


@CASES.case("kafka-to-phone", "events of both topics through Kafka and the sidecar: the messages arrive")
def through_kafka(world: World) -> None:
    guest = world.guest()
    numbers = [world.order(guest) for _ in range(6)]
    world.bus.publish_events(STATE_TOPIC, [world.state(each) for each in numbers])
    world.bus.publish_events(REFUND_TOPIC, [world.refund_update(numbers[0], "returned")])
    for each in numbers:
        expecting.eventually(lambda each=each: world.tasks(each), bool, f"the event of {each}")  # type: ignore[misc]  # mypy sees no type in a bound default
    expecting.eventually(lambda: "given_back" in world.tasks(numbers[0]), bool, "the refund's event")
    world.settled(*numbers)
    wanted = world.once(STAY, numbers) + world.once(["given_back"], numbers[:1])
    expecting.equal(world.arrived(guest), wanted, "messages that arrived")
