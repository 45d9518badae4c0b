"""The order service in this process: its own database, a clock to turn, peers that answer what a test says."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from order.main import create_app
from order.settings import Settings
from servicekit.testing import APP_TOKEN, Tokens, client
from tests.service.order.support import Clock, Order, Peers
from tests.support.databases import kept_between_tests
from tests.support.postgres import PostgresServer
from tests.support.tables import EMPTY_ALL, kept_connection


@pytest.fixture(scope="session")
def order_database(postgres: PostgresServer) -> str:
    return postgres.migrated("order", "minsu_order_service")


@pytest.fixture(scope="session")
def order_tokens() -> Tokens:
    return Tokens()


@pytest.fixture(autouse=True, scope="module")
async def _kept_databases() -> AsyncIterator[None]:
    async with kept_between_tests():
        yield


@pytest.fixture(scope="session")
def tables(order_database: str) -> Iterator[psycopg.Connection]:
    with kept_connection(order_database) as connection:
        yield connection


@pytest.fixture
def sql(tables: psycopg.Connection) -> psycopg.Connection:
    """The tables as they are, emptied first."""
    tables.execute(EMPTY_ALL)
    return tables


@pytest.fixture
def most_unpaid() -> int:
    """Enough for tests that are not about it."""
    return 100


@pytest.fixture
async def order(
    order_database: str, order_tokens: Tokens, sql: psycopg.Connection, most_unpaid: int
) -> AsyncIterator[Order]:
    clock = Clock(datetime(2026, 11, 23, 1, 30, tzinfo=UTC))  # 09:30 in Shanghai
    peers = Peers()
    settings = Settings(
        database_url=order_database, APP_API_TOKEN=APP_TOKEN, database_pool_size=20, most_unpaid=most_unpaid
    )
    app = create_app(settings, clock=clock, sidecar=peers, verifier=order_tokens.verifier())
    async with client(app) as http:
        yield Order(http, clock, peers, order_tokens, sql)
