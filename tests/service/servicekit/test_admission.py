"""Who is let in when a service is full, and what is said of a path that a build does not know."""

import asyncio
import contextlib

import pytest

from servicekit.admission import Visit, standard
from servicekit.clock import utc_now
from servicekit.deadletters import DeadLetters
from servicekit.errors import Unavailable
from servicekit.events import LARGEST_DELIVERY_BYTES, Consumer, EventData, bulk_routes
from servicekit.settings import ServiceSettings
from servicekit.testing import APP_TOKEN, SIDECAR_HEADERS, FakeSidecar, client
from tests.service.servicekit.served import CALLBACK, STUCK_CALLBACK, create_app
from tests.support.async_waiting import eventually
from tests.support.metrics import Growth, value
from tests.support.tracing import recording


async def _take(_event, _data):
    return None


@pytest.fixture
async def service(db):
    """Two places for visitors, one more for callbacks, one for deliveries; it reads one topic."""
    consumers = [Consumer("topic", "/events/topic", EventData, _take)]
    settings = ServiceSettings(
        APP_API_TOKEN=APP_TOKEN, request_concurrency=2, callback_places=1, delivery_places=1, capacity_seconds=0.2
    )
    sidecar = FakeSidecar()
    app = create_app(settings, sidecar, DeadLetters(db=db, clock=utc_now, app_id="payment", consumers=consumers), db=db)
    app.router.routes.insert(0, bulk_routes(*consumers).routes[0])
    async with client(app) as http:
        http.sidecar = sidecar
        yield http


@contextlib.asynccontextmanager
async def stuck(http, *paths):
    """Requests that take a place each and do not end."""
    tasks = [asyncio.create_task(http.post(path, headers=SIDECAR_HEADERS)) for path in paths]
    await eventually(lambda: in_flight(http, len(paths)))
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def in_flight(http, number):
    return f"http_requests_in_flight {number:.1f}" in (await http.get("/metrics")).text


async def test_when_visitors_have_taken_all_places_they_alone_are_refused(service):
    async with stuck(service, "/stuck", "/stuck"):
        refused = await service.post("/page")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert (await service.post(CALLBACK)).status_code == 204
        event = {"id": "1", "source": "s", "data": {}}
        assert (await service.post("/events/topic", json=event, headers=SIDECAR_HEADERS)).json() == {
            "status": "SUCCESS"
        }
        assert (await service.get("/livez")).status_code == 200
    assert (await service.post("/page")).content == b"page"


async def test_what_is_refused_is_counted_a_callback_by_its_path_all_else_as_unrouted(service):
    def requests(route):
        labels = {"http_request_method": "POST", "http_route": route, "http_response_status_code": "503"}
        return value("http_server_request_duration_seconds_count", **labels) or 0

    lane = Growth("http_requests_refused_total", lane="callbacks", reason="capacity")
    callbacks, unrouted = requests(CALLBACK), requests("unrouted")
    async with stuck(service, "/stuck", "/stuck", STUCK_CALLBACK):
        assert [(await service.post(path)).status_code for path in (CALLBACK, "/page")] == [503, 503]
    assert (requests(CALLBACK) - callbacks, requests("unrouted") - unrouted, lane()) == (1, 1, 1)


async def test_a_flood_leaves_no_spans_but_the_sampled_ones(service):
    with recording(ratio=0) as recorded:
        async with stuck(service, "/stuck", "/stuck", STUCK_CALLBACK):
            assert [(await service.post(path)).status_code for path in (CALLBACK, "/page")] == [503, 503]
            assert recorded.spans == []


async def test_the_sidecar_may_ask_for_subscriptions_whatever_is_going_on(service):
    async with stuck(service, "/stuck", "/stuck"):
        answer = await service.get("/dapr/subscribe", headers=SIDECAR_HEADERS)
        assert answer.status_code == 200
        assert [each["topic"] for each in answer.json()] == ["topic.payment.dlq"]
        assert (await service.get("/dapr/config", headers=SIDECAR_HEADERS)).status_code == 404
        assert (await service.get("/dapr/subscribe")).status_code == 401


async def test_a_service_in_which_nothing_ends_is_not_ready_until_something_does(service):
    async with stuck(service, "/stuck", "/stuck"):
        await eventually(lambda: _readiness(service, 503))
        assert (await service.get("/readyz")).json()["detail"].startswith("at capacity for ")
    assert (await service.get("/readyz")).status_code == 200


async def _readiness(http, status):
    return (await http.get("/readyz")).status_code == status


async def test_a_service_whose_sidecar_does_not_read_a_topic_says_which(service):
    assert (await service.get("/readyz")).status_code == 200
    assert service.sidecar.needed == {"topic", "topic.payment.dlq"}
    service.sidecar.not_read = {"topic.payment.dlq", "of another"}
    answer = await service.get("/readyz")
    assert (answer.status_code, answer.json()["detail"]) == (503, "the sidecar does not read topic.payment.dlq")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize(
    "path",
    ["/events/of-a-later-build", "/events/", "/events/topic/", "/events/dead-letters/of-a-later-build", "/jobs/later"],
)
async def test_a_delivery_for_an_unknown_path_is_for_later(service, method, path):
    answer = await service.request(method, path, headers=SIDECAR_HEADERS)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert (await service.request(method, path)).status_code == 401


async def test_another_method_on_a_known_path_is_for_later_too(service):
    for method in ("GET", "PUT", "OPTIONS"):
        assert (await service.request(method, "/events/topic", headers=SIDECAR_HEADERS)).status_code == 503
    assert (await service.get("/no/such/path")).status_code == 404


async def pieces(size):
    for _ in range(size // 65536):
        yield b" " * 65536
    yield b" " * (size % 65536)


@pytest.mark.parametrize("as_body", [lambda size: b" " * size, pieces], ids=["announced", "in pieces"])
async def test_a_delivery_of_one_byte_too_many_is_refused_and_others_have_the_old_bound(service, as_body):
    path = "/events/dead-letters/topic"
    taken = await service.post(path, content=as_body(LARGEST_DELIVERY_BYTES), headers=SIDECAR_HEADERS)
    assert (taken.status_code, taken.json()) == (200, {"status": "SUCCESS"})
    refused = await service.post(path, content=as_body(LARGEST_DELIVERY_BYTES + 1), headers=SIDECAR_HEADERS)
    assert (refused.status_code, refused.json()["code"]) == (413, 100108)
    assert (await service.post("/page", content=as_body(1024 * 1024))).status_code == 200
    assert (await service.post("/page", content=as_body(1024 * 1024 + 1))).status_code == 413


async def test_a_length_that_is_a_digit_of_another_script_is_no_length(service):
    answer = await service.post("/page", content=b"x", headers=[(b"content-length", "²".encode("latin-1"))])
    assert (answer.status_code, answer.content) == (200, b"pagex")


def visit(places, path):
    made = Visit(places, places.lane(path))
    made.take_place()
    return made


def test_callbacks_take_no_place_but_their_own_and_deliveries_may():
    """Any client can send a callback; a delivery is the sidecar's."""
    places = standard(common=1, visitors_max_body=1, callbacks=(CALLBACK,), callback_places=2, delivery_places=1)

    held = [visit(places, CALLBACK) for _ in range(2)]
    with pytest.raises(Unavailable):
        visit(places, CALLBACK)
    assert places.free == 1
    held += [visit(places, "/events/topic") for _ in range(2)]
    assert places.free == 0
    with pytest.raises(Unavailable):
        visit(places, "/page")

    for each in held:
        each.leave()
    assert (places.free, visit(places, CALLBACK).leave()) == (1, None)


def test_by_default_callbacks_have_as_many_places_as_a_burst_needs():
    settings = ServiceSettings(APP_API_TOKEN=APP_TOKEN)
    assert (settings.callback_places, settings.request_concurrency) == (128, 256)
    with pytest.raises(ValueError, match="callback_places"):
        ServiceSettings(APP_API_TOKEN=APP_TOKEN, callback_places=0)
