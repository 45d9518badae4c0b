"""Cases of notification: what can never be applied goes to the dead letters, and harms nothing beside it."""

from functools import partial
from typing import Any

from conformance import events, expecting
from conformance.broker import as_bytes
from conformance.roles.notification.events import CASES
from conformance.roles.notification.world import (
    REFUND_PATH,
    REFUND_TOPIC,
    STATE_PATH,
    STATE_TOPIC,
    STATE_TYPE,
    STAY,
    World,
)

DEAD_LETTERS = f"{STATE_TOPIC}.notification.dlq"
REAPPLY = "notification-reapply-dead-letters"
DIGITS = 4301
"""More digits than many parsers take for one number."""
DEPTH = 9996
"""Nesting that daprd passes on; with the event around it one level more than Go's reader takes of a whole bulk."""


def _bad_states(number: str) -> dict[str, Any]:
    """`data` of state events that fit no version of the contract, by what is wrong."""
    good = {"orderSn": number, "tradeState": 1, "fromState": 0, "changedAt": events.now(), "version": 2}
    return {
        "data is null": None,
        "data is text": "paid",
        "data is a list": [good],
        "no orderSn": {name: value for name, value in good.items() if name != "orderSn"},
        "orderSn of another kind": good | {"orderSn": "PMT2026112309310087654321"},
        "orderSn with a line end": good | {"orderSn": f"{number}\n"},
        "orderSn is a number": good | {"orderSn": 5},
        "no tradeState": {name: value for name, value in good.items() if name != "tradeState"},
        "an unknown tradeState": good | {"tradeState": 9},
        "tradeState is text": good | {"tradeState": "1"},
        "tradeState is a boolean": good | {"tradeState": True},
        "tradeState is a fraction": good | {"tradeState": 1.5},
    }


@CASES.case("poison-in-bulk", "in a bulk each poison is DROP, and its neighbours are applied")
def in_bulk(world: World) -> None:
    guest = world.guest()
    before, after, number = (world.order(guest) for _ in range(3))
    bad = _bad_states(number)
    bodies = [
        world.state(before),
        *(events.event("order", STATE_TYPE, number, data) for data in bad.values()),
        world.state(after),
    ]
    keys = [before, *(f"poison {place}" for place in range(len(bad))), after]
    statuses = dict(
        zip(["before", *bad, "after"], world.door.deliver(STATE_PATH, STATE_TOPIC, bodies, keys), strict=True)
    )
    wanted = {"before": "SUCCESS"} | dict.fromkeys(bad, "DROP") | {"after": "SUCCESS"}
    expecting.equal({name: each for name, each in statuses.items() if each != wanted[name]}, {}, "statuses")
    world.delivered_once(guest, STAY, before, after)
    expecting.equal(world.tasks(number), {}, "messages of poison")


@CASES.case("poison-envelope", "an event without id or source, or with one that no table takes, is DROP")
def envelope(world: World) -> None:
    guest = world.guest()
    good, number = world.order(guest), world.order(guest)
    bodies = [world.state(number) for _ in range(4)]
    del bodies[0]["id"]
    del bodies[1]["source"]
    bodies[2]["id"] = "x" * 5000
    bodies[3]["id"] = "a\x00b"
    every = [*bodies, None, "text", world.state(good)]
    statuses = world.door.deliver(STATE_PATH, STATE_TOPIC, every, [*map(str, range(6)), good])
    expecting.equal(statuses, ["DROP"] * 6 + ["SUCCESS"], "statuses")
    world.delivered_once(guest, STAY, good)
    expecting.equal(world.tasks(number), {}, "messages of poison")


@CASES.case(
    "poison-numbers", "amounts below 1, beyond 2⁵³ fen, as text, a boolean or a fraction: DROP, neighbours applied"
)
def numbers(world: World) -> None:
    guest = world.guest()
    good, number = world.order(guest), world.order(guest)
    wrong = (0, -1, 2**53 + 1, 10**300, "100", True, 99.5)
    bodies = [world.refund_update(number, "returned", refundFen=fen) for fen in wrong]
    bodies.append(world.refund_update(good, "returned"))
    keys = [*(f"poison {place}" for place in range(len(wrong))), good]
    statuses = world.door.deliver(REFUND_PATH, REFUND_TOPIC, bodies, keys)
    expecting.equal(statuses, ["DROP"] * len(wrong) + ["SUCCESS"], "statuses")
    expecting.equal(world.settled(good)[good], {"given_back": "sent"}, "states of the neighbour's messages")
    expecting.equal(world.tasks(number), {}, "messages of poison")


@CASES.case("poison-body", "a delivery that is no JSON, or no object, is DROP and not an error")
def body(world: World) -> None:
    for content in (b"", b"{", b"\xff\xfe", b"null", b"[]", b'"text"', b"[" * 100_000):
        statuses = world.door.deliver_raw(STATE_PATH, content, 1)
        expecting.equal(statuses, ["DROP"], f"status of a body that begins with {content[:10]!r}")


@CASES.case(
    "poison-deep", f"poison with {DEPTH} nested lists, through Kafka: a dead letter, its neighbours are applied"
)
def deep(world: World) -> None:
    guest = world.guest()
    before, after, number = (world.order(guest) for _ in range(3))
    lists = b'"version": ' + b"[" * DEPTH + b"]" * DEPTH
    poison = as_bytes(world.state(number, 9)).replace(b'"version": 2', lists)
    _between(world, STATE_TOPIC, number, {before: world.state(before), after: world.state(after)}, poison)
    world.delivered_once(guest, STAY, before, after)


@CASES.case("poison-unreadable", f"an integer of {DIGITS} digits, and no JSON at all, through Kafka: the same")
def unreadable(world: World) -> None:
    for value in (b"7" * DIGITS, b"no JSON"):
        guest = world.guest()
        before, after, number = (world.order(guest) for _ in range(3))
        poison = as_bytes(world.refund_update(number, "returned")).replace(
            b'"refundFen": 19900', b'"refundFen": ' + value
        )
        neighbours = {each: world.refund_update(each, "returned") for each in (before, after)}
        _between(world, REFUND_TOPIC, number, neighbours, poison)
        world.delivered_once(guest, ["given_back"], before, after)
        expecting.eventually(partial(_kept, world, number), bool, "the letter, as operators see it", within=30)


def _kept(world: World, number: str) -> bool:
    """Whether a letter that is about `number` is in the table as it was published, though its sidecar cannot read it."""
    letters = world.operator("deadLetterList", {"number": number})["list"]
    bodies = [world.operator("deadLetterDetail", {"id": each["id"]})["body"] for each in letters]
    return bool(bodies) and all(number in each for each in bodies)


def _between(world: World, topic: str, number: str, neighbours: dict[str, dict[str, Any]], poison: bytes) -> None:
    """Publishes poison between two good events of a partition: it becomes a dead letter, they are applied."""
    letters = world.bus.reader(f"{topic}.notification.dlq")
    before, after = (as_bytes(each) for each in neighbours.values())
    world.bus.publish(topic, number, before, poison, after)
    _applied(world, *neighbours)
    letters.naming(number, 1)
    expecting.equal([each for each in neighbours if letters.naming(each, 0)], [], "neighbours that became dead letters")
    expecting.equal(world.tasks(number), {}, "messages of poison")


@CASES.case(
    "poison-kafka", "poison among good events of one partition: its letter is kept for operators, the others arrive"
)
def through_kafka(world: World) -> None:
    guest = world.guest()
    before, after, number = (world.order(guest) for _ in range(3))
    poison = world.state(number, 9)
    letters = world.bus.reader(DEAD_LETTERS)
    world.bus.publish(STATE_TOPIC, before, _under(world, before), as_bytes(poison), _under(world, after))
    world.delivered_once(guest, STAY, *_applied(world, before, after))
    letters.naming(number, 1)

    def state() -> str | None:
        world.door.tick(REAPPLY)
        return _letter_state(world, poison["id"])

    expecting.eventually(state, lambda found: found == "poison", "state of the dead letter", within=30)


def _letter_state(world: World, event_id: str) -> str | None:
    found = world.operator("receivedEvents", {"events": [{"source": "minsu/order", "eventId": event_id}]})["letters"]
    return next((each["state"] for each in found), None)


@CASES.case("dead-letter-applied", "a dead letter that can be applied is applied by the cron job, once")
def letter_applied(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    event = world.state(number)
    path = world.door.delivered(f"/events/dead-letters/{STATE_TOPIC}")
    for _ in range(2):  # the broker may bring it twice
        response = world.door.request("POST", path, body=event, headers=world.door.as_sidecar)
        expecting.equal(
            (response.status_code, response.json()), (200, {"status": "SUCCESS"}), "response to a dead letter"
        )

    def applied() -> dict[str, str]:
        world.door.tick(REAPPLY)
        return world.tasks(number)

    expecting.eventually(applied, bool, "messages of the dead letter")
    world.delivered_once(guest, STAY, number)
    found = [
        each for each in world.operator("deadLetterList", {"pageSize": 50})["list"] if each["eventId"] == event["id"]
    ]
    expecting.equal([each["state"] for each in found], ["applied"], "states of the letter")


def _under(world: World, number: str) -> bytes:
    return as_bytes(world.state(number))


def _applied(world: World, *numbers: str) -> tuple[str, ...]:
    """The same numbers, when their events have been applied."""
    for each in numbers:
        expecting.eventually(lambda each=each: world.tasks(each), bool, f"the event of {each}", within=40)  # type: ignore[misc]  # mypy sees no type in a bound default
    return numbers
