"""Connections that a network dropped silently: they cost at most one timeout in all."""

import asyncio
import socket
import time

import pytest
from sqlalchemy import text

from servicekit import connections, db
from servicekit.db import Database
from servicekit.errors import DatabaseUnavailable
from tests.support.async_waiting import eventually
from tests.support.nat import forgetful

POOLED = 5
COMMAND_SECONDS = 1.0


@pytest.fixture
async def behind_nat(database_url, monkeypatch):
    """(nat, database): five connections are in the pool, and the client's own time-out is a second."""
    monkeypatch.setitem(db._CLIENT_LIMITS, "command_timeout", COMMAND_SECONDS)
    async with forgetful(database_url) as (nat, url):
        database = Database(url, pool_size=POOLED)
        await asyncio.gather(*(read(database, "select pg_sleep(0.2)") for _ in range(POOLED)))
        assert nat.made == POOLED
        yield nat, database
        await database.close()


async def read(database, statement="select 1"):
    async with database.read() as session:
        return (await session.execute(text(statement))).scalar()


async def refused(database, times):
    """How many of `times` reads, one after another, were refused."""
    refusals = 0
    for _ in range(times):
        try:
            assert await read(database) == 1
        except DatabaseUnavailable:
            refusals += 1
    return refusals


async def test_one_timeout_condemns_the_siblings(behind_nat):
    nat, database = behind_nat
    nat.forget()
    began = time.monotonic()

    assert await refused(database, POOLED + 1) == 1

    assert time.monotonic() - began < 2 * COMMAND_SECONDS


async def test_many_at_once_wait_one_timeout_together(behind_nat):
    nat, database = behind_nat
    nat.forget()
    began = time.monotonic()

    first = await asyncio.gather(*(refused(database, 1) for _ in range(POOLED)))
    assert sum(first) == POOLED
    assert await refused(database, POOLED) == 0

    assert time.monotonic() - began < 3 * COMMAND_SECONDS


async def test_a_connection_that_was_idle_is_asked_before_it_is_used(behind_nat, monkeypatch):
    nat, database = behind_nat
    monkeypatch.setattr(connections, "TEST_AFTER_SECONDS", 0.0)
    nat.forget()
    began = time.monotonic()

    assert await refused(database, POOLED + 1) == 0

    assert time.monotonic() - began < 2 * connections.TEST_SECONDS


async def test_a_statement_that_was_given_up_makes_its_siblings_suspect(behind_nat, monkeypatch):
    nat, database = behind_nat
    monkeypatch.setattr(connections, "SLOW_SECONDS", 0.2)
    nat.forget()
    began = time.monotonic()

    with pytest.raises((TimeoutError, DatabaseUnavailable)):
        async with asyncio.timeout(0.5):
            await read(database)
    assert await refused(database, POOLED) == 0

    assert time.monotonic() - began < 0.5 + 2 * connections.TEST_SECONDS


async def test_a_closed_connection_is_replaced_without_a_refusal(behind_nat):
    nat, database = behind_nat
    idle = [record.driver_connection for record in database.engine.pool._pool._queue._queue]
    nat.close()
    await eventually(lambda: all(raw.is_closed() for raw in idle), what="the driver has seen the end")

    assert await refused(database, POOLED) == 0


async def test_a_busy_pool_is_never_asked(behind_nat, monkeypatch):
    _, database = behind_nat

    async def never(_raw):
        raise AssertionError

    monkeypatch.setattr(connections, "_answers", never)
    assert await refused(database, 20) == 0


async def test_the_kernel_watches_every_connection(behind_nat):
    _, database = behind_nat
    async with database.engine.connect() as pooled, database.own_connection() as own:
        for one in (pooled, own):
            raw = (await one.get_raw_connection()).driver_connection
            held = raw._transport.get_extra_info("socket")
            assert held.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert held.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 15_000


async def test_a_ping_of_a_silent_server_ends_in_time(behind_nat):
    nat, database = behind_nat
    nat.forget()
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        await database.ping()
    assert time.monotonic() - began < 2.5
