"""Cases that any service must pass, made of what contracts/services says of it: who is let in, health, metrics."""

from conformance import contracts, expecting
from conformance.cases import Cases
from conformance.roles.base import World

CASES = Cases[World]()
UNSIGNED, FOREIGN, UNAVAILABLE = 401, 403, 503


def _routes(world: World) -> tuple[list[str], list[str]]:
    """Of subscriptions and of cron jobs."""
    told = contracts.service(world.role)
    return [each["route"] for each in told["subscriptions"]], [each["route"] for each in told["jobs"]]


def _internal(world: World) -> dict[str, list[str]]:
    """Internal methods, and the apps that may call each."""
    told = contracts.service(world.role)
    named = {each for some in told["callers"].values() for each in some} | {*told.get("closed", [])}
    methods = sorted(each for each in named if " /internal/" in each)
    return {
        each.partition(" /internal/")[2]: [app for app, some in told["callers"].items() if each in some]
        for each in methods
    }


def _letters(world: World) -> dict[str, str]:
    """Routes of the readers by dead-letter topic."""
    return {each["deadLetterTopic"]: each["deadLetterRoute"] for each in contracts.service(world.role)["subscriptions"]}


@CASES.case(
    "health", "/livez and /readyz respond 200; without its database it is alive, not ready, and then ready again"
)
def health(world: World) -> None:
    expecting.equal([world.door.status(path) for path in ("/livez", "/readyz")], [200, 200], "/livez and /readyz")
    with world.without_database():
        world.door.ready(UNAVAILABLE)
        expecting.equal(world.door.status("/livez"), 200, "/livez without database")
    world.door.ready(200)


@CASES.case("app-token", "without the app token, or with a wrong one, nothing of the sidecar's is let in")
def app_token(world: World) -> None:
    routes, jobs = _routes(world)
    internal = [f"/internal/{each}" for each in _internal(world)]
    paths = [*(world.door.delivered(each) for each in routes + jobs), *internal]
    wrong = {"dapr-api-token": world.door.as_sidecar["dapr-api-token"][::-1]}
    for method, path in [*(("POST", path) for path in paths), ("GET", "/dapr/subscribe")]:
        for headers in ({}, wrong):
            status = world.door.request(method, path, body={}, headers=headers).status_code
            what = (
                f"{method} {path.replace(world.door.delivered(''), '')} with {'a wrong' if headers else 'no'} app token"
            )
            expecting.equal(status, UNSIGNED, what)
    caller = {"dapr-caller-app-id": "usercenter"}
    for path in (spelling for each in (*routes, *jobs, *paths) for spelling in _spellings(each)):
        status = world.door.request("POST", path, body={}, headers=caller).status_code
        what = path.replace(world.door.delivered(""), "")
        expecting.true(status in (400, UNSIGNED, FOREIGN, 404), f"POST {what} with no app token: {status}")


def _spellings(path: str) -> list[str]:
    """Paths that a lax router takes for `path`, and a guard of prefixes does not."""
    first, rest = path[1], path[1:]
    return [
        f"/{path}",
        f"/.{path}",
        f"/x/..{path}",
        f"/%2f{rest}",
        f"/%2e{path}",
        f"/{rest.replace('/', '%2f')}",
        f"/{rest.replace('/', '//')}",
        f"/%{ord(first):02x}{path[2:]}",
    ]


@CASES.case("delivery-token", "events and cron ticks on any path but the own sidecar's are refused, and never by 404")
def delivery_token(world: World) -> None:
    routes, jobs = _routes(world)
    caller = {"dapr-caller-app-id": "usercenter"}
    for path in (*routes, *jobs, f"/delivered/{'x' * 32}{routes[0]}"):
        for more in ({}, caller):
            status = world.door.request("POST", path, body={}, headers=world.door.as_sidecar | more).status_code
            expecting.equal(status, FOREIGN, f"POST {path} without the delivery token")


@CASES.case("internal-callers", "each internal method is open to the apps that contracts/services names, to no other")
def internal_callers(world: World) -> None:
    for method, allowed in _internal(world).items():
        for app_id in ("gateway", "travel", "order", "payment", "notification", "usercenter", ""):
            status = world.called_by(app_id, method, {}).status_code
            if app_id in allowed:
                expecting.true(
                    status < 500 and status not in (UNSIGNED, FOREIGN, 404), f"{method} for {app_id}: {status}"
                )
            else:
                expecting.equal(status, FOREIGN, f"{method} for {app_id or 'no caller'}")


@CASES.case(
    "unknown-delivery-path", "an event or a tick for a path that this build does not know waits: 503, never 404"
)
def unknown_path(world: World) -> None:
    for path in ("/events/of-a-later-version", "/jobs/of-a-later-version"):
        response = world.door.request("POST", world.door.delivered(path), body={}, headers=world.door.as_sidecar)
        expecting.equal(response.status_code, UNAVAILABLE, f"POST {path}")


@CASES.case("dapr-subscribe", "GET /dapr/subscribe names the readers of its dead-letter topics")
def subscribe(world: World) -> None:
    response = world.door.request("GET", "/dapr/subscribe", headers=world.door.as_sidecar)
    expecting.equal(response.status_code, 200, "GET /dapr/subscribe")
    lacking = _letters(world).keys() - {each["topic"] for each in response.json()}
    expecting.equal(sorted(lacking), [], "topics without a reader")


@CASES.case("dead-letters-database-down", "a dead letter that cannot be written down is not acknowledged")
def dead_letter_database_down(world: World) -> None:
    with world.without_database():
        for route in _letters(world).values():
            path = world.door.delivered(route)
            response = world.door.request("POST", path, content=b"{}", headers=world.door.as_sidecar)
            is_kept = response.status_code >= 500 or response.json().get("status") == "RETRY"
            expecting.true(is_kept, f"{route}: HTTP {response.status_code}, which the sidecar takes for done")
    world.door.ready(200)


@CASES.case("operators-only", "operations: 401 without a bearer, 403 for a buyer, an RFC 9457 problem each time")
def operators_only(world: World) -> None:
    path = f"/{world.role}/v1/ops/system"
    buyer = world.users.sign_in.bearer(5, "buyer")
    for headers, wanted in (({}, UNSIGNED), ({"authorization": "Bearer nonsense"}, UNSIGNED), (buyer, FOREIGN)):
        response = world.door.request("POST", path, body={}, headers=headers)
        expecting.equal(response.status_code, wanted, f"status of {path}")
        kind = response.headers["content-type"].partition(";")[0]
        expecting.equal(kind, "application/problem+json", "content type of the refusal")
        members = {"type", "title", "status", "code", "msg"} - response.json().keys()
        expecting.true(not members, f"the problem lacks {sorted(members)}")


@CASES.case("metrics", "/metrics has every series that contracts/services names, those of events at 0 from the start")
def metrics(world: World) -> None:
    wanted = {each["name"] for app_id in ("common", world.role) for each in contracts.service(app_id)["metrics"]}
    lacking = wanted - world.door.metric_names()
    expecting.equal(sorted(lacking), [], "series that are not there")
    found = world.door.metrics()
    topics = [each["topic"] for each in contracts.service(world.role)["subscriptions"]]
    series = [handled(outcome, topic) for outcome in ("SUCCESS", "RETRY", "DROP") for topic in topics]
    expecting.equal([each for each in series if each not in found], [], "series without a sample")


def handled(outcome: str, topic: str) -> str:
    """The sample of events_handled_total, as `Door.metrics` names it."""
    return f'events_handled_total{{outcome="{outcome}",topic="{topic}"}}'
