"""Cases of notification: who is let in, how it says how it is, and what it does while its database is down."""

from conformance import events, expecting
from conformance.roles import common
from conformance.roles.notification.events import CASES
from conformance.roles.notification.world import STATE_PATH, STATE_TOPIC, STAY, World


@CASES.case(
    "database-down-retry", "events while the database is down: RETRY for each, and applied when they come again"
)
def database_down(world: World) -> None:
    guest = world.guest()
    numbers = [world.order(guest) for _ in range(3)]
    bodies = [world.state(each) for each in numbers]
    with world.without_database():
        expecting.equal(world.deliver(*bodies), ["RETRY"] * 3, "statuses without database")
    expecting.eventually(lambda: world.door.status("/readyz"), lambda status: status == 200, "/readyz after the outage")
    for number in numbers:
        expecting.equal(world.tasks(number), {}, "messages of an event that was not applied")
    world.accepted(*bodies)
    world.delivered_once(guest, STAY, *numbers)


@CASES.case("database-down-kafka", "an event that Kafka brings while the database is down is applied when it is back")
def database_down_kafka(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    with world.without_database():
        retried = world.door.metrics().get(common.handled("RETRY", STATE_TOPIC), 0.0)
        world.bus.publish_events(STATE_TOPIC, [world.state(number)])
        expecting.eventually(
            lambda: world.door.metrics().get(common.handled("RETRY", STATE_TOPIC), 0.0),
            lambda count: count > retried,
            "events_handled_total of the outcome RETRY",
        )
    expecting.eventually(lambda: world.door.status("/readyz"), lambda status: status == 200, "/readyz after the outage")
    expecting.eventually(lambda: world.tasks(number), bool, "the event that came during the outage", within=20)
    world.delivered_once(guest, STAY, number)


@CASES.case("app-token-event", "an event without the app token, or on a path without the delivery token, has no effect")
def refused_event(world: World) -> None:
    number = world.order(world.guest())
    body = events.bulk(STATE_TOPIC, [world.state(number)], [number])
    for path, headers in ((world.door.delivered(STATE_PATH), {}), (STATE_PATH, world.door.as_sidecar)):
        status = world.door.request("POST", path, body=body, headers=headers).status_code
        expecting.one_of(status, (401, 403), "status of an event that is refused")
    expecting.equal(world.tasks(number), {}, "messages of an event that was refused")


@CASES.case("caller-identity", "it calls its peers through its own sidecar, by their internal methods")
def caller_identity(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    calls = len(world.orders.peer.calls), len(world.users.peer.calls)
    world.accepted(world.state(number))
    world.delivered_once(guest, STAY, number)
    for peer, before in zip((world.orders.peer, world.users.peer), calls, strict=True):
        callers = {
            each.headers.get("dapr-caller-app-id") for each in peer.calls[before:] if each.path.startswith("/internal/")
        }
        expecting.equal(callers, {"notification"}, "who called, as the peer's sidecar says")


@CASES.case(
    "internal-personal-data",
    "personalData by a real invocation: refused to order, and usercenter is told what a person got",
)
def personal_data(world: World) -> None:
    guest = world.guest()
    number = world.order(guest)
    world.accepted(world.state(number))
    world.delivered_once(guest, STAY, number)
    body = {"userId": guest.user_id, "orderSns": [number]}
    expecting.equal(world.invoke("order", "internal/personalData", body).status_code, 403, "status for order")
    response = world.invoke("usercenter", "internal/personalData", body)
    expecting.equal(response.status_code, 200, "status for usercenter")
    expecting.equal(len(response.json()["held"]["messages"]), 2, "messages that the person got")


@CASES.case(
    "internal-erasure",
    "erasePersonalData by a real invocation: refused to order; WeChat's words about a person are gone, and counted once",
)
def erasure(world: World) -> None:
    number = world.order(world.guest(messages=0))
    world.accepted(world.state(number))
    expecting.equal(world.settled(number)[number], dict.fromkeys(STAY, "refused"), "states of the messages")
    body = {"userId": 42, "orderSns": [number], "operatorId": 7, "note": "asked for"}
    expecting.equal(world.invoke("order", "internal/erasePersonalData", body).status_code, 403, "status for order")
    expecting.equal(_reasons(world, number), 2, "messages with WeChat's words before")
    for wanted in (2, 0):
        response = world.invoke("usercenter", "internal/erasePersonalData", body)
        expecting.equal(response.status_code, 200, "status for usercenter")
        told = {"rows": {"messages": wanted, "message_attempts": wanted}, "openOrders": []}
        expecting.equal(response.json(), told, "what was erased")
        expecting.equal(_reasons(world, number), 0, "messages with WeChat's words after")


def _reasons(world: World, number: str) -> int:
    tasks = world.operator("messageSteps", {"orderSn": number})["tasks"]
    return sum(each["reason"] is not None for each in tasks)
