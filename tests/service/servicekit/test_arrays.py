"""Transactions on asyncpg's own connection keep what `transaction()` promises."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from servicekit.arrays import REFUSED_VALUES
from servicekit.db import Database
from servicekit.errors import DatabaseUnavailable
from servicekit.outbox import OutgoingEvent, outbox, publish_later

INSERT = (
    "insert into outbox (event_id, topic, partition_key, event)"
    " select id, 't', 'k', '{}' from unnest($1::text[]) as e(id)"
)


async def ids(db):
    async with db.read() as session:
        return sorted((await session.execute(select(outbox.c.event_id))).scalars())


def event(n):
    return OutgoingEvent("topic", "k", "minsu.test.v1", "minsu/test", "k", {"n": n}, datetime.now(UTC))


async def test_all_is_written_and_the_relay_woken_after_the_commit_alone(db):
    woken = []
    db.on_outbox.append(lambda: woken.append(True))
    async with db.arrays() as tx:
        await tx.execute(INSERT, ["a", "b"])
        await publish_later(tx, event(1), event(2))
        assert (await ids(db), woken) == ([], [])
    assert len(await ids(db)) == 4
    assert woken == [True]


async def test_an_error_writes_nothing_wakes_nothing_and_harms_no_later_transaction(db):
    woken = []
    db.on_outbox.append(lambda: woken.append(True))
    with pytest.raises(RuntimeError):
        async with db.arrays() as tx:
            await publish_later(tx, event(1))
            raise RuntimeError
    assert (await ids(db), woken) == ([], [])
    async with db.arrays() as tx:
        await tx.execute(INSERT, ["a"])
    assert await ids(db) == ["a"]


@pytest.mark.parametrize("column", [["a", "a"], ["a", "\x00"], ["a", 5]])
async def test_a_value_that_server_or_driver_refuses_is_told_apart_from_an_outage(db, column):
    with pytest.raises(REFUSED_VALUES):
        async with db.arrays() as tx:
            await tx.execute(INSERT, column)
    assert await ids(db) == []


async def test_a_connection_that_ends_is_an_outage_and_the_next_one_is_new(db):
    with pytest.raises(DatabaseUnavailable):
        async with db.arrays() as tx:
            await tx.execute(INSERT, ["a"])
            await tx.fetch("select pg_terminate_backend(pg_backend_pid())")
    assert await ids(db) == []
    async with db.arrays() as tx:
        await tx.execute(INSERT, ["b"])
    assert await ids(db) == ["b"]


async def test_what_is_still_running_ends_with_the_database(db):
    own = Database(db.url.render_as_string(hide_password=False))
    running = asyncio.create_task(own.run_alone("select pg_sleep(60)"))
    while not await db.run_alone("select 1 from pg_stat_activity where query = 'select pg_sleep(60)'"):
        await asyncio.sleep(0.01)

    await own.close()

    with pytest.raises(DatabaseUnavailable):
        await running
