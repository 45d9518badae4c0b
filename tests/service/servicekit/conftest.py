"""The delivery tables alone, in a database of their own."""

import pytest
from sqlalchemy import text

from servicekit import acts, deadletters, idempotency, inbox, outbox
from servicekit.db import Database
from tests.support.tables import EMPTY_ALL


@pytest.fixture(scope="session")
def database_url(postgres):
    return postgres.create("servicekit_tests")


@pytest.fixture
async def db(database_url):
    database = Database(database_url)
    async with database.engine.begin() as connection:
        for each in (acts.metadata, outbox.metadata, inbox.metadata, deadletters.metadata, idempotency.metadata):
            await connection.run_sync(each.create_all)
        await connection.execute(text(EMPTY_ALL))
    yield database
    await database.close()
