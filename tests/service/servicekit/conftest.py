"""The delivery tables alone, in a database of their own."""

import pytest

from servicekit import acts, deadletters, idempotency, inbox, outbox, replicas
from servicekit.db import Database
from tests.support.tables import EMPTY_ALL, kept_connection


@pytest.fixture(scope="session")
def database_url(postgres):
    return postgres.create("servicekit_tests")


@pytest.fixture(scope="session")
async def tables(database_url):
    database = Database(database_url)
    async with database.engine.begin() as connection:
        for each in (acts, outbox, inbox, deadletters, idempotency, replicas):
            await connection.run_sync(each.metadata.create_all)
    await database.close()
    with kept_connection(database_url) as connection:
        yield connection


@pytest.fixture
async def db(database_url, tables):
    tables.execute(EMPTY_ALL)
    database = Database(database_url)
    yield database
    await database.close()
