"""Readiness as a gauge: Prometheus reads /metrics, which responds whatever is missing."""

import asyncio

import pytest

from servicekit import health
from servicekit.admission import standard
from servicekit.app import build
from servicekit.clock import utc_now
from servicekit.errors import DatabaseUnavailable, PeerUnavailable, Unavailable
from servicekit.health import Readiness, Subscriptions
from servicekit.settings import ServiceSettings
from servicekit.testing import APP_TOKEN, FakeSidecar, Tokens, client
from tests.support.metrics import value

TOPICS = frozenset({"kept", "lost"})


class Sidecar(FakeSidecar):
    is_silent = False

    async def is_ready(self):
        return not self.is_silent

    async def missing(self, topics):
        if self.is_silent:
            raise PeerUnavailable("sidecar: its metadata: ConnectError")
        return await super().missing(topics)


class Database:
    is_away = False

    async def ping(self):
        if self.is_away:
            raise DatabaseUnavailable("no answer within two seconds")


@pytest.fixture
def sidecar():
    return Sidecar()


@pytest.fixture
def db():
    return Database()


@pytest.fixture
def subscriptions(sidecar):
    return Subscriptions(sidecar, TOPICS)


@pytest.fixture
def readiness(db, sidecar, subscriptions):
    places = standard(common=1, visitors_max_body=1, callbacks=(), callback_places=1, delivery_places=1)
    return Readiness(db, sidecar, subscriptions, places, full_seconds=1.0)


async def test_the_gauge_follows_what_readyz_checks(readiness, sidecar, db):
    async def measured():
        try:
            await readiness.measure()
        except Unavailable as error:
            return value("service_ready"), error.detail
        return value("service_ready"), None

    assert await measured() == (1, None)
    sidecar.is_silent = True
    assert await measured() == (0, "the sidecar does not answer")
    sidecar.is_silent, sidecar.not_read = False, {"lost"}
    assert await measured() == (0, "the sidecar does not read lost")
    sidecar.not_read, db.is_away = set(), True
    assert await measured() == (0, "no answer within two seconds")
    db.is_away = False
    assert await measured() == (1, None)


async def test_a_silent_sidecar_reads_no_topic(subscriptions, sidecar):
    def missing():
        return {topic: value("subscription_missing", topic=topic) for topic in TOPICS}

    sidecar.not_read = {"lost"}
    await subscriptions.measure()
    assert missing() == {"kept": 0, "lost": 1}
    sidecar.is_silent = True
    with pytest.raises(PeerUnavailable):
        await subscriptions.measure()
    assert missing() == {"kept": 1, "lost": 1}
    sidecar.is_silent, sidecar.not_read = False, set()
    await subscriptions.measure()
    assert missing() == {"kept": 0, "lost": 0}


async def test_every_service_measures_it_and_counts_what_it_publishes_from_zero(sidecar, monkeypatch):
    monkeypatch.setattr("servicekit.background.MEASURE_AFTER_SECONDS", 0.0)
    health.READY.set(0)
    app = build(
        "gateway",
        ServiceSettings(APP_API_TOKEN=APP_TOKEN),
        routers=[],
        sidecar=sidecar,
        verifier=Tokens().verifier(),
        clock=utc_now,
        publishes=("published-never",),
    )
    assert value("outbox_published_total", topic="published-never") == 0
    async with app.router.lifespan_context(app), client(app) as http:
        assert (await http.get("/metrics")).status_code == 200
        async with asyncio.timeout(5):
            while value("service_ready") != 1:
                await asyncio.sleep(0.01)
