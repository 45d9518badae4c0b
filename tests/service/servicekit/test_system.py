"""How a service runs, as operators read it: cron ticks, topics, replicas, the sidecar, and what does not respond."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import APIRouter

from servicekit.activity import Activity, Publication
from servicekit.app import build
from servicekit.db import Database
from servicekit.deadletters import DeadLetters
from servicekit.errors import DatabaseUnavailable, PeerUnavailable, Poison
from servicekit.events import Consumer, EventData, bulk_routes
from servicekit.jobs import JobRoute
from servicekit.outbox import OutgoingEvent, publish_later
from servicekit.relay import Relay
from servicekit.replicas import Replicas
from servicekit.settings import ServiceSettings
from servicekit.sidecar import SidecarMetadata
from servicekit.testing import APP_TOKEN, SIDECAR_HEADERS, FakeSidecar, Tokens, client

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
OCCURRED = "2026-11-23T03:59:57.500000Z"
FOUND = SidecarMetadata(
    version="1.18.2",
    components={"pubsub": "pubsub.kafka", "count": "bindings.cron"},
    topics=frozenset({"topic", "topic.servicekit.dlq"}),
)


class Data(EventData):
    n: int


class Time:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now

    def passes(self, **more):
        self.now += timedelta(**more)


class World:
    """A service with two jobs and a topic. `trouble` is raised by the job `count` and by the topic's handler."""

    def __init__(self, db, port=8000):
        self.trouble, self.clock, self.sidecar, self.tokens = None, Time(), FakeSidecar(), Tokens()
        self.sidecar.found = FOUND
        consumer = Consumer("topic", "/events/topic", Data, self.handle)
        jobs = APIRouter(prefix="/jobs", include_in_schema=False, route_class=JobRoute)
        jobs.post("/count")(self.count)
        jobs.post("/unscheduled")(self.count)
        self.app = build(
            "servicekit",
            ServiceSettings(APP_API_TOKEN=APP_TOKEN, APP_PORT=port, MINSU_VERSION="1.2.3"),
            routers=[jobs, bulk_routes(consumer)],
            sidecar=self.sidecar,
            verifier=self.tokens.verifier(),
            clock=self.clock,
            db=db,
            dead_letters=DeadLetters(db=db, clock=self.clock, app_id="servicekit", consumers=[consumer])
            if db
            else None,
        )

    async def handle(self, _event, _data):
        if self.trouble:
            raise self.trouble

    async def count(self) -> dict[str, int]:
        if self.trouble:
            raise self.trouble
        return {"claimed": 3}

    async def status(self, http):
        answer = await http.post("/servicekit/v1/ops/system", json={}, headers=self.tokens.bearer(9, "operator"))
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@pytest.fixture
def world(db):
    return World(db)


@pytest.fixture
async def http(world):
    async with client(world.app) as http:
        yield http


async def tick(http, job="count"):
    return (await http.post(f"/jobs/{job}", headers=SIDECAR_HEADERS)).status_code


async def deliver(http, *numbers):
    events = [{"id": str(n), "source": "s", "time": OCCURRED, "data": {"n": n}} for n in numbers]
    entries = [{"entryId": each["id"], "event": each, "metadata": {"__key": each["id"]}} for each in events]
    answer = await http.post("/events/topic", json={"entries": entries}, headers=SIDECAR_HEADERS)
    return [each["status"] for each in answer.json()["statuses"]]


def job(status, name="count"):
    [found] = [each for each in status["jobs"] if each["name"] == name]
    return found


async def test_a_service_that_just_started_tells_what_it_is_and_what_it_should_have(world, http):
    status = await world.status(http)
    own = world.app.state.activity.name
    assert own.endswith(":8000")
    never = {"at": None, "seconds": None, "claimed": None, "error": None, "failedAt": None}
    assert status == {
        "service": "servicekit",
        "replica": own,
        "version": "1.2.3",
        "startedAt": "2026-11-23T04:00:00Z",
        "databaseProblem": None,
        "sidecar": {
            "problem": None,
            "version": "1.18.2",
            "components": [
                {"name": "count", "type": "bindings.cron"},
                {"name": "pubsub", "type": "pubsub.kafka"},
            ],
        },
        "subscriptions": [
            {"topic": "topic", "wanted": True, "active": True},
            {"topic": "topic.servicekit.dlq", "wanted": True, "active": True},
        ],
        "jobs": [{"name": "count", "hasCron": True, **never}, {"name": "unscheduled", "hasCron": False, **never}],
        "received": [],
        "published": [],
        "replicas": [
            {
                "name": own,
                "version": "1.2.3",
                "startedAt": "2026-11-23T04:00:00Z",
                "seenAt": "2026-11-23T04:00:00Z",
                "up": True,
            }
        ],
        "deadLetters": {"waiting": 0, "poison": 0},
    }


async def test_a_tick_is_noted_with_what_it_claimed_and_a_failure_stays_to_be_seen(world, http):
    assert await tick(http) == 200
    done = {"name": "count", "hasCron": True, "at": "2026-11-23T04:00:00Z", "seconds": 0.0, "claimed": 3}
    assert job(await world.status(http)) == {**done, "error": None, "failedAt": None}

    world.clock.passes(seconds=5)
    world.trouble = DatabaseUnavailable("away")
    assert await tick(http) == 503
    failed = {"error": "DatabaseUnavailable: away", "failedAt": "2026-11-23T04:00:05Z"}
    assert job(await world.status(http)) == {**done, "at": "2026-11-23T04:00:05Z", "claimed": None, **failed}

    world.clock.passes(seconds=5)
    world.trouble = None
    assert await tick(http) == 200
    assert job(await world.status(http)) == {**done, "at": "2026-11-23T04:00:10Z", **failed}
    assert job(await world.status(http), "unscheduled")["at"] is None


async def test_a_topic_is_noted_when_its_events_are_handled_and_when_they_are_left_to_the_broker(world, http):
    assert await deliver(http, 1) == ["SUCCESS"]
    received = {"topic": "topic", "handledAt": "2026-11-23T04:00:00Z", "occurredAt": OCCURRED, "newestAt": OCCURRED}
    assert (await world.status(http))["received"] == [{**received, "retriedAt": None}]

    world.clock.passes(seconds=5)
    world.trouble = PeerUnavailable("away")
    assert await deliver(http, 2, 3) == ["RETRY", "RETRY"]
    assert (await world.status(http))["received"] == [{**received, "retriedAt": "2026-11-23T04:00:05Z"}]

    world.clock.passes(seconds=5)
    world.trouble = Poison("never")
    assert await deliver(http, 2) == ["DROP"]
    later = {"handledAt": "2026-11-23T04:00:10Z", "retriedAt": "2026-11-23T04:00:05Z"}
    assert (await world.status(http))["received"] == [received | later]


async def test_a_topic_is_noted_when_the_broker_has_taken_its_events(world, db):
    class Broker(FakeSidecar):
        async def publish_bulk(self, topic, entries):
            return {}

    activity = Activity(world.clock, port=1, version="1")
    async with db.transaction() as tx:
        await publish_later(tx, OutgoingEvent("topic", "a", "minsu.test.v1", "minsu/test", "a", {}, NOW))
    await Relay(db, Broker(), activity=activity).publish_once()
    assert activity.published == {"topic": Publication(published_at=NOW, newest_at=NOW)}


def test_an_older_event_that_comes_late_leaves_the_newest_as_it_was():
    older = {"time": "2026-11-23T03:59:50Z"}
    activity = Activity(Time(), port=1, version="1")
    activity.handled("topic", [{"time": OCCURRED}, older], retried=False)
    activity.sent("topic", {"time": OCCURRED})
    activity.sent("topic", older)
    received, newest = activity.received["topic"], datetime.fromisoformat(OCCURRED)
    assert (received.occurred_at, received.newest_at) == (datetime(2026, 11, 23, 3, 59, 50, tzinfo=UTC), newest)
    assert activity.published["topic"].newest_at == newest


def test_a_row_of_an_older_build_is_read():
    assert Publication.model_validate("2026-11-23T04:00:00Z") == Publication(published_at=NOW)


async def test_what_other_replicas_did_is_told_too_and_one_that_is_silent_is_not_up(world, http, db):
    other = Activity(world.clock, port=9000, version="1.2.2")
    with other.tick("count") as running:
        running.claimed = 7
    other.handled("topic", [{"time": OCCURRED}], retried=False)
    other.sent("elsewhere", {"time": OCCURRED})
    await Replicas(db, world.clock, other).write()

    world.clock.passes(seconds=44)
    status = await world.status(http)
    assert [(each["name"].rpartition(":")[2], each["version"], each["up"]) for each in status["replicas"]] == [
        ("8000", "1.2.3", True),
        ("9000", "1.2.2", True),
    ]
    assert (job(status)["at"], job(status)["claimed"]) == ("2026-11-23T04:00:00Z", 7)
    assert status["received"][0]["occurredAt"] == OCCURRED
    assert status["published"] == [{"topic": "elsewhere", "publishedAt": "2026-11-23T04:00:00Z", "newestAt": OCCURRED}]

    assert await tick(http) == 200
    world.clock.passes(seconds=1)
    status = await world.status(http)
    assert [each["up"] for each in status["replicas"]] == [True, False]
    assert (job(status)["at"], job(status)["claimed"]) == ("2026-11-23T04:00:44Z", 3)


async def test_what_was_done_before_a_restart_is_still_known_and_a_row_of_long_ago_is_not(world, http, db):
    await tick(http)
    await world.status(http)
    async with client(World(db).app):
        pass
    restarted = World(db)
    async with client(restarted.app) as after:
        status = await restarted.status(after)
    assert (job(status)["at"], len(status["replicas"])) == ("2026-11-23T04:00:00Z", 1)

    own = Replicas(db, world.clock, world.app.state.activity)
    world.clock.passes(days=8)
    await own.forget()
    assert len(await own.all()) == 1
    world.clock.passes(seconds=1)
    await own.forget()
    assert await own.all() == []


async def test_a_sidecar_that_is_down_is_told_and_hides_nothing_else(world, http, monkeypatch):
    async def away():
        raise PeerUnavailable("sidecar: its metadata: ConnectError")

    monkeypatch.setattr(world.sidecar, "metadata", away)
    await tick(http)
    status = await world.status(http)
    assert status["sidecar"] == {"problem": "sidecar: its metadata: ConnectError", "version": None, "components": []}
    assert [each["active"] for each in status["subscriptions"]] == [None, None]
    assert (job(status)["hasCron"], job(status)["claimed"]) == (None, 3)
    assert len(status["replicas"]) == 1


async def test_a_topic_that_the_sidecar_does_not_read_and_one_that_it_should_not_are_told(world, http):
    world.sidecar.found = SidecarMetadata(version="1", components={}, topics=frozenset({"topic", "old"}))
    assert (await world.status(http))["subscriptions"] == [
        {"topic": "old", "wanted": False, "active": True},
        {"topic": "topic", "wanted": True, "active": True},
        {"topic": "topic.servicekit.dlq", "wanted": True, "active": False},
    ]


async def test_a_database_that_is_down_is_told_and_the_replica_tells_what_it_knows_itself():
    unreachable = Database("postgresql://none@127.0.0.1:1/none")
    world = World(unreachable)
    async with client(world.app) as http:
        await tick(http)
        status = await world.status(http)
    assert status["databaseProblem"]
    assert (status["replicas"], status["deadLetters"]) == (None, None)
    assert job(status)["claimed"] == 3
    assert status["sidecar"]["version"] == "1.18.2"


async def test_a_part_that_does_not_respond_at_all_is_given_up_in_bounded_time(world, http, monkeypatch):
    monkeypatch.setattr("servicekit.system.PATIENCE_SECONDS", 0.05)

    async def never():
        await asyncio.Event().wait()

    monkeypatch.setattr(world.sidecar, "metadata", never)
    assert (await world.status(http))["sidecar"]["problem"] == "no response in 0.05 s"


async def test_a_service_without_a_database_has_neither_replicas_nor_letters():
    world = World(None)
    async with client(world.app) as http:
        status = await world.status(http)
    assert (status["databaseProblem"], status["replicas"], status["deadLetters"]) == (None, None, None)
    assert [each["wanted"] for each in status["subscriptions"]] == [False, False]


@pytest.mark.parametrize("roles", [("buyer",), ("merchant", "buyer")])
async def test_only_operators_may_look(world, http, roles):
    path = "/servicekit/v1/ops/system"
    assert (await http.post(path, json={}, headers=world.tokens.bearer(9, *roles))).status_code == 403
    assert (await http.post(path, json={})).status_code == 401


async def test_an_event_whose_time_is_no_time_is_noted_without_it(world):
    activity = Activity(world.clock, port=1, version="1")
    for envelope in (None, [], {"time": 5}, {"time": "yesterday"}, {"time": "2026-11-23T04:00:00"}):
        activity.handled("topic", [envelope], retried=False)
        assert activity.received["topic"].occurred_at is None
