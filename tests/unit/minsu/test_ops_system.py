"""How services run, as the command line tells it."""

import pytest

from gateway.routes import PUBLIC
from minsu import ops_system
from minsu.api import Api
from minsu.errors import CommandFailed, Refused
from tests.unit.minsu.conftest import ok, problem

JOB = {"name": "j", "hasCron": True, "at": "a", "seconds": 0.1, "claimed": 2, "error": None, "failedAt": None}


def status(service, **members):
    return {
        "service": service,
        "version": "1",
        "databaseProblem": None,
        "sidecar": {"problem": None},
        "subscriptions": [],
        "jobs": [],
        "received": [],
        "published": [],
        "replicas": [{"up": True, "version": "1"}, {"up": False, "version": "0"}],
    } | members


@pytest.fixture
def api(world):
    with Api("http://minsu", transport=world.transport) as api:
        yield api


@pytest.fixture
def told(world):
    """Every service responds; a test changes some."""

    def tell(**services):
        for each in ops_system.SERVICES:
            answer = ok(services.get(each, status(each)))
            world.answers[f"/{each}/v1/ops/system"] = lambda _, answer=answer: answer

    tell()
    return tell


def test_every_service_with_an_api_and_the_gateway_are_asked():
    assert set(ops_system.SERVICES) == {route.app_id for route in PUBLIC if route.path.endswith("/ops/system")} | {
        "gateway"
    }


def test_a_service_that_does_not_respond_is_a_line_of_its_own(world, api, told):
    world.answers["/order/v1/ops/system"] = lambda _: problem(503, msg="busy", type="/problems/unavailable")
    found = ops_system.system(api)
    lines = {each["service"]: ops_system.summary(each) for each in found}
    assert lines["order"] == {"service": "order", "version": None, "replicas": None, "problems": "busy"}
    assert lines["travel"] == {"service": "travel", "version": "1", "replicas": 1, "problems": None}
    with pytest.raises(CommandFailed, match="order does not answer: busy"):
        ops_system.choose(found, "order")
    with pytest.raises(CommandFailed, match="no service orders"):
        ops_system.choose(found, "orders")
    assert ops_system.choose(found, "travel")["version"] == "1"


def test_who_may_not_look_is_told_so_and_not_that_services_are_down(world, api, told):
    world.answers["/gateway/v1/ops/system"] = lambda _: problem(403, msg="no", type="/problems/forbidden")
    with pytest.raises(Refused, match="no"):
        ops_system.system(api)


def test_all_that_is_wrong_stands_in_the_line(api, told):
    wrong = status(
        "order",
        databaseProblem="DatabaseUnavailable",
        sidecar={"problem": "sidecar: its metadata: ConnectError"},
        subscriptions=[{"topic": "t", "wanted": True, "active": False}, {"topic": "u", "wanted": True, "active": None}],
        jobs=[
            JOB | {"name": "x", "hasCron": False},
            JOB | {"name": "y", "claimed": None, "error": "E: why"},
            JOB | {"name": "z", "hasCron": None, "at": None, "claimed": None},
        ],
        replicas=None,
    )
    assert ops_system.summary({"problem": None, **wrong}) == {
        "service": "order",
        "version": "1",
        "replicas": None,
        "problems": "database: DatabaseUnavailable; sidecar: its metadata: ConnectError; does not read t;"
        " no cron ticks x; y failed: E: why",
    }


def test_jobs_and_topics_are_those_of_the_services_that_respond(world, api, told):
    wanted = {"topic": "t", "wanted": True, "active": True}
    other = {"topic": "u", "wanted": True, "active": True}
    last = {"topic": "t", "handledAt": "h", "occurredAt": "o", "retriedAt": None}
    told(
        payment=status("payment", published=[{"topic": "t", "publishedAt": "p"}], jobs=[JOB]),
        order=status(
            "order",
            subscriptions=[
                wanted,
                other,
                wanted | {"topic": "t.order.dlq"},
                wanted | {"topic": "old", "wanted": False},
            ],
            received=[last],
        ),
    )
    world.answers["/travel/v1/ops/system"] = lambda _: problem(503, msg="busy")
    found = ops_system.system(api)
    assert ops_system.jobs(found) == [{"service": "payment", **JOB}]
    assert ops_system.topics(found) == [
        {"consumer": "order", "publishedAt": "p", **last},
        {
            "consumer": "order",
            "publishedAt": None,
            "topic": "u",
            "handledAt": None,
            "occurredAt": None,
            "retriedAt": None,
        },
    ]
