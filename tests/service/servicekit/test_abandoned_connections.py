"""A connection that is still in use when its service ends is closed: its pool is over and would never close it."""

import asyncio
import gc
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import text

from servicekit.db import Database
from servicekit.errors import DatabaseUnavailable
from tests.support.async_waiting import eventually

OPEN = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"


@pytest.fixture(autouse=True)
def _nothing_is_collected() -> Iterator[None]:
    """The collector would close what was left open, some time later."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("kind", ["read", "transaction"])
async def test_what_is_in_use_when_the_database_is_closed_is_closed_too(postgres, kind):
    url = postgres.create(f"abandoned_{kind}")
    db = Database(url)
    begun, ends = asyncio.Event(), asyncio.Event()

    async def late() -> None:
        async with getattr(db, kind)() as session:
            await session.execute(text("select 1"))
            begun.set()
            await ends.wait()
            await session.execute(text("select 1"))

    task = asyncio.create_task(late())
    await begun.wait()
    await db.close()
    with psycopg.connect(url, autocommit=True) as connection:
        await eventually(lambda: connection.execute(OPEN).fetchone() == (0,), what="no connection is open")
    ends.set()
    with pytest.raises(DatabaseUnavailable):
        await task
