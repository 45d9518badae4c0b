"""The delivery tables alone, in a database of their own."""

import pytest
from sqlalchemy import text

from servicekit import acts, deadletters, idempotency, inbox, outbox, replicas
from servicekit.db import Database
from tests.support.tables import EMPTY_ALL


@pytest.fixture(scope="session")
def database_url(postgres):
    return postgres.create("servicekit_tests")


@pytest.fixture
async def db(database_url):
    database = Database(database_url)
    async with database.engine.begin() as connection:
        for each in (acts, outbox, inbox, deadletters, idempotency, replicas):
            await connection.run_sync(each.metadata.create_all)
        await connection.execute(text(EMPTY_ALL))
    yield database
    await database.close()
