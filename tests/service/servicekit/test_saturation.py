"""How full a process is: its pool of connections, its event loop."""

import asyncio
import time

import pytest
from sqlalchemy import text

from servicekit.db import Database
from servicekit.errors import DatabaseUnavailable
from servicekit.saturation import LoopLag, watch_pool
from tests.support.async_waiting import eventually
from tests.support.metrics import Growth, value


def pool() -> tuple[float | None, ...]:
    states = (value("db_client_connection_count", state=state) for state in ("used", "idle"))
    return (*states, value("db_client_connection_max"))


async def test_the_pool_tells_what_is_used_what_is_idle_and_how_large_it_is(database_url: str) -> None:
    db = Database(database_url, pool_size=3)
    watch_pool(db)
    assert pool() == (0, 0, 3)
    async with db.transaction() as first, db.transaction() as second:
        await first.execute(text("select 1"))
        await second.execute(text("select 1"))
        assert pool() == (2, 0, 3)
    assert pool() == (0, 2, 3)
    await db.engine.dispose()  # as when the server has left: the pool is another one
    assert pool() == (0, 0, 3)
    await db.close()


async def test_a_wait_for_a_connection_that_is_in_vain_is_counted(database_url: str) -> None:
    db = Database(database_url, pool_size=1, pool_timeout=0.01)
    timeouts = Growth("db_client_connection_timeouts_total")
    async with db.transaction() as tx:
        await tx.execute(text("select 1"))
        with pytest.raises(DatabaseUnavailable):
            async with db.read() as session:
                await session.execute(text("select 1"))
    assert timeouts() == 1
    await db.close()


async def test_an_event_loop_that_is_blocked_is_late() -> None:
    in_time = Growth("event_loop_lag_seconds_bucket", le="0.25")
    looks = Growth("event_loop_lag_seconds_count")
    task = asyncio.create_task(LoopLag(every_seconds=0.01).run())
    await asyncio.sleep(0)
    time.sleep(0.4)  # noqa: ASYNC251 - it is what is to be found
    await eventually(lambda: looks() >= 1)
    task.cancel()
    assert in_time() < looks()
