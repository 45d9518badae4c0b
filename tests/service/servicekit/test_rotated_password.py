"""The database's password is replaced while queries run: new connections take the new one, without a restart."""

import asyncio
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from servicekit.db import Database
from servicekit.errors import DatabaseUnavailable
from tests.support.async_waiting import eventually

ROLE = "rotating"


@pytest.fixture
def url(postgres):
    """A role whose password is really asked for, unlike the tests' others."""
    owner = postgres.url("postgres")
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(f"create role {ROLE} login password 'first'".encode())
        [hba] = connection.execute("show hba_file").fetchone()
        before = Path(hba).read_text()
        Path(hba).write_text(f"host all {ROLE} 127.0.0.1/32 scram-sha-256\n{before}")
        connection.execute("select pg_reload_conf()")
        yield f"postgresql://{ROLE}@127.0.0.1:{postgres.port}/postgres"
        Path(hba).write_text(before)
        connection.execute("select pg_reload_conf()")
        connection.execute(f"drop role {ROLE}".encode())


async def ask(database):
    async with database.read() as session:
        return (await session.execute(text("select pg_backend_pid()"))).scalar()


async def test_new_connections_take_the_new_password_under_traffic(postgres, url, tmp_path):
    file = tmp_path / "password"
    file.write_text("first\n")
    database = Database(url, pool_size=3, password_file=file)
    asked, failed, over = [], [], asyncio.Event()

    async def traffic():
        while not over.is_set():
            try:
                asked.append(await ask(database))
            except DatabaseUnavailable as error:  # what the server ended is found by its next query, or before
                failed.append(error)
            await asyncio.sleep(0.01)

    running = asyncio.create_task(traffic())
    before = {await ask(database) for _ in range(3)}
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"alter role {ROLE} password 'second'".encode())
        file.write_text("second\n")
        before |= set(asked)
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", [ROLE])
    await eventually(lambda: not before.issuperset(asked), what="a connection with the new password")
    pids = await asyncio.gather(*(ask(database) for _ in range(3)))
    over.set()
    await running
    assert before.isdisjoint(pids)
    assert len(failed) <= 3  # one of each connection
    await database.close()


async def test_a_password_that_only_one_side_has_yet_is_a_database_that_is_unavailable(postgres, url, tmp_path):
    file = tmp_path / "password"
    file.write_text("not yet")
    database = Database(url, pool_size=1, password_file=file)
    with pytest.raises(DatabaseUnavailable):
        await ask(database)
    file.write_text("first")
    assert await ask(database)
    await database.close()
