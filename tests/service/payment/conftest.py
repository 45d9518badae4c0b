"""Payment in this process, its own database, wechatsim for its WeChat."""

from contextlib import asynccontextmanager

import pytest
import stamina

from payment.endpoints import wechat_notify
from payment.endpoints.internal import CALLERS
from payment.ledger import payments
from payment.main import create_app
from payment.settings import Settings
from servicekit.db import Database
from servicekit.testing import APP_TOKEN, Tokens, client
from tests.service.payment.support import BUYER, SETTINGS, Service, payable, secrets_of, wechat_of
from tests.service.payment.wechat import OPENID, FakeWechat
from tests.support.clock import RunningClock
from tests.support.databases import kept_between_tests
from tests.support.peers import PublishedPeers
from tests.support.tables import EMPTY_ALL, kept_connection


@pytest.fixture(scope="session")
def database_url(postgres):
    return postgres.migrated("payment", "payment_service_tests")


@pytest.fixture(autouse=True, scope="module")
async def _kept_databases():
    async with kept_between_tests():
        yield


@pytest.fixture(scope="session")
def tables(database_url):
    with kept_connection(database_url) as connection:
        yield connection


@pytest.fixture(scope="session")
async def pool(database_url):
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
def db(pool, tables):
    """The tables, empty."""
    tables.execute(EMPTY_ALL)
    return pool


@pytest.fixture(scope="session", autouse=True)
def _no_pauses():
    stamina.set_testing(True, attempts=3, cap=True)
    yield
    stamina.set_testing(False)


@pytest.fixture(autouse=True, scope="module")
def _busy_machine():
    """Callbacks may take long here, as a busy machine does. Tests about the limits override this fixture."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wechat_notify, "ANSWER_SECONDS", 60.0)
        patch.setattr(payments, "BATCH_SECONDS", 50.0)
        patch.setattr(payments, "LONGEST_WAIT_SECONDS", 50.0)
        yield


@pytest.fixture(autouse=True)
def _tests_may_ask_for_refunds(monkeypatch):
    monkeypatch.setitem(CALLERS, "refund", {"tests"})  # no service may: order asks by event


@pytest.fixture
def clock():
    return RunningClock()


@pytest.fixture
def wechat(clock):
    return FakeWechat(clock=clock)


@pytest.fixture
def tokens():
    return Tokens()


@pytest.fixture
def sidecar():
    fake = PublishedPeers()
    fake.answer("order", "/internal/payable", payable())
    fake.answer("usercenter", "/internal/authByUser", wechat_of(BUYER, OPENID))
    return fake


@pytest.fixture
def settings(database_url, db):
    return Settings(
        database_url=database_url,
        APP_API_TOKEN=APP_TOKEN,
        **SETTINGS,
    )


@pytest.fixture
def serve(settings, wechat, tokens, sidecar, clock, db):
    """`async with serve(…) as service`: a replica with other settings, or with `more_business`."""

    @asynccontextmanager
    async def serve(*, more_business=None, **changes):
        app = create_app(
            settings.model_copy(update=changes),
            secrets_of(wechat),
            clock=clock,
            sidecar=sidecar,
            verifier=tokens.verifier(),
            wechat_transport=wechat,
            more_business=more_business,
        )
        async with client(app) as http:
            yield Service(http, clock, wechat, tokens, db)

    return serve


@pytest.fixture
async def service(serve):
    async with serve() as service:
        yield service


@pytest.fixture
def desk(service):
    return service.desk
