"""Cases of notification: who is let in, how it says how it is, and what it does while its database is down."""

from typing import Any

from conformance import contracts, events, expecting
from conformance.roles.notification.events import CASES
from conformance.roles.notification.world import DUE, REFUND_PATH, REFUND_TOPIC, STATE_PATH, STATE_TOPIC, STAY, World

UNSIGNED, FOREIGN = 401, 403
SECONDS_TO_NOTICE = 10.0


@CASES.case(
    "health", "/livez and /readyz respond 200; without its database it is alive and not ready, and then ready again"
)
def health(world: World) -> None:
    expecting.equal([world.door.status(path) for path in ("/livez", "/readyz")], [200, 200], "/livez and /readyz")
    with world.without_database():
        expecting.eventually(
            lambda: world.door.status("/readyz"), lambda status: status == 503, "/readyz without database"
        )
        expecting.equal(world.door.status("/livez"), 200, "/livez without database")
    expecting.eventually(
        lambda: world.door.status("/readyz"),
        lambda status: status == 200,
        "/readyz after the outage",
        within=SECONDS_TO_NOTICE,
    )


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
        retried = world.door.metrics().get(_handled("RETRY"), 0.0)
        world.bus.publish_events(STATE_TOPIC, [world.state(number)])
        expecting.eventually(
            lambda: world.door.metrics().get(_handled("RETRY"), 0.0),
            lambda count: count > retried,
            "events_handled_total of the outcome RETRY",
        )
    expecting.eventually(lambda: world.door.status("/readyz"), lambda status: status == 200, "/readyz after the outage")
    expecting.eventually(lambda: world.tasks(number), bool, "the event that came during the outage", within=30)
    world.delivered_once(guest, STAY, number)


def _handled(outcome: str, topic: str = STATE_TOPIC) -> str:
    return f'events_handled_total{{outcome="{outcome}",topic="{topic}"}}'


@CASES.case("dead-letters-database-down", "a dead letter that cannot be written down is not acknowledged")
def dead_letter_database_down(world: World) -> None:
    path = world.door.delivered(f"/events/dead-letters/{STATE_TOPIC}")
    body = world.state(world.order(world.guest()))
    with world.without_database():
        response = world.door.request("POST", path, body=body, headers=world.door.as_sidecar)
    is_kept = response.status_code >= 500 or response.json().get("status") == "RETRY"
    expecting.true(is_kept, f"HTTP {response.status_code} {response.text[:80]}: the sidecar takes it for done")


@CASES.case(
    "app-token", "without the app token, or with a wrong one, nothing of the sidecar's is let in, and nothing happens"
)
def app_token(world: World) -> None:
    number = world.order(world.guest())
    body = events.bulk(STATE_TOPIC, [world.state(number)], [number])
    deliveries: list[tuple[str, str, Any]] = [
        ("POST", world.door.delivered(STATE_PATH), body),
        ("POST", world.door.delivered(REFUND_PATH), body),
        ("POST", world.door.delivered(f"/jobs/{DUE}"), None),
        ("POST", "/internal/personalData", {"userId": 1}),
        ("GET", "/dapr/subscribe", None),
    ]
    wrong = {"dapr-api-token": world.door.as_sidecar["dapr-api-token"][::-1]}
    for method, path, content in deliveries:
        for headers in ({}, wrong):
            status = world.door.request(method, path, body=content, headers=headers).status_code
            what = (
                f"{method} {path.replace(world.door.delivered(''), '')} with {'a wrong' if headers else 'no'} app token"
            )
            expecting.equal(status, UNSIGNED, what)
    expecting.equal(world.tasks(number), {}, "messages of an event that was refused")


@CASES.case("delivery-token", "events and cron ticks on any path but the own sidecar's are refused, and never by 404")
def delivery_token(world: World) -> None:
    number = world.order(world.guest())
    body = events.bulk(STATE_TOPIC, [world.state(number)], [number])
    caller = {"dapr-caller-app-id": "travel"}
    for path in (STATE_PATH, f"/delivered/{'x' * 32}{STATE_PATH}", f"/jobs/{DUE}"):
        for more in ({}, caller):
            status = world.door.request("POST", path, body=body, headers=world.door.as_sidecar | more).status_code
            expecting.equal(status, FOREIGN, f"POST {path} without the delivery token")
    expecting.equal(world.tasks(number), {}, "messages of an event that was refused")


@CASES.case(
    "unknown-delivery-path", "an event or a tick for a path that this build does not know waits: 503, never 404"
)
def unknown_path(world: World) -> None:
    for path in ("/events/of-a-later-version", "/jobs/of-a-later-version"):
        response = world.door.request("POST", world.door.delivered(path), body={}, headers=world.door.as_sidecar)
        expecting.equal(response.status_code, 503, f"POST {path}")


@CASES.case("dapr-subscribe", "GET /dapr/subscribe names the readers of both dead-letter topics")
def subscribe(world: World) -> None:
    response = world.door.request("GET", "/dapr/subscribe", headers=world.door.as_sidecar)
    expecting.equal(response.status_code, 200, "GET /dapr/subscribe")
    topics = {each["topic"] for each in response.json()}
    wanted = {f"{topic}.notification.dlq" for topic in (STATE_TOPIC, "order-update-refund-topic")}
    expecting.true(topics >= wanted, f"topics {sorted(topics)}, without {sorted(wanted - topics)}")


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


@CASES.case("internal-callers", "personalData is open to usercenter alone, whose calls tell what a person got")
def internal_callers(world: World) -> None:
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
    "operators-only", "operations endpoints: 401 without a bearer, 403 for a buyer, an RFC 9457 problem each time"
)
def operators_only(world: World) -> None:
    path, body = "/notification/v1/ops/taskList", {"pageSize": 1}
    buyer = world.users.sign_in.bearer(5, "buyer")
    for headers, wanted in (({}, 401), ({"authorization": "Bearer nonsense"}, 401), (buyer, 403)):
        response = world.door.request("POST", path, body=body, headers=headers)
        expecting.equal(response.status_code, wanted, f"status of {path}")
        kind = response.headers["content-type"].partition(";")[0]
        expecting.equal(kind, "application/problem+json", "content type of the refusal")
        members = {"type", "title", "status"} - response.json().keys()
        expecting.true(not members, f"the problem lacks {sorted(members)}")


@CASES.case("metrics", "/metrics has every series that contracts/services names, those of events at 0 from the start")
def metrics(world: World) -> None:
    wanted = {each["name"] for app_id in ("common", "notification") for each in contracts.service(app_id)["metrics"]}
    lacking = wanted - world.door.metric_names()
    expecting.equal(sorted(lacking), [], "series that are not there")
    found = world.door.metrics()
    series = [
        _handled(outcome, topic) for outcome in ("SUCCESS", "RETRY", "DROP") for topic in (STATE_TOPIC, REFUND_TOPIC)
    ]
    expecting.equal([each for each in series if each not in found], [], "series without a sample")
