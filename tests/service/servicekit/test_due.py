"""Leased work on a real PostgreSQL: due rows are claimed once, by the first replica that asks."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import BigInteger, Column, DateTime, Integer, Table, Text, func, select, text, update

from servicekit.db import new_metadata
from servicekit.due import RELEASED, Leased, claim, due_index

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
metadata = new_metadata()
job = Table(
    "due_job",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("sn", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("leased_until", DateTime(timezone=True)),
    Column("tries", Integer, nullable=False, server_default="0"),
    due_index("due_job", is_open=text("state = 'open'")),
)


@pytest.fixture
async def jobs(db):
    async with db.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        await connection.execute(text("truncate due_job"))
    return db


async def add(db, *offsets, state="open"):
    async with db.transaction() as tx:
        start = await tx.scalar(select(func.count()).select_from(job))
        for number, offset in enumerate(offsets, start + 1):
            values = {"id": number, "sn": f"J{number}", "state": state, "due_at": NOW + offset * SECOND}
            await tx.execute(job.insert().values(values))


async def claimed(db, *, now=NOW, limit=10, **more):
    async with db.transaction() as tx:
        rows = await claim(
            tx,
            job,
            job.c.sn,
            job.c.tries,
            is_open=job.c.state == "open",
            now=now,
            lease=60 * SECOND,
            limit=limit,
            **more,
        )
    return [(row["sn"], row["tries"]) for row in rows]


async def test_what_is_due_and_open_is_claimed_once_until_its_lease_ends(jobs):
    await add(jobs, -5, 0, 1)
    await add(jobs, -5, state="done")
    assert await claimed(jobs) == [("J1", 1), ("J2", 1)]
    assert await claimed(jobs) == []
    assert await claimed(jobs, now=NOW + 59 * SECOND) == [("J3", 1)]
    assert await claimed(jobs, now=NOW + 60 * SECOND) == [("J1", 2), ("J2", 2)]


async def test_a_released_row_is_due_at_its_new_time(jobs):
    await add(jobs, 0)
    assert await claimed(jobs) == [("J1", 1)]
    async with jobs.transaction() as tx:
        await tx.execute(update(job).values(due_at=NOW + 5 * SECOND, **RELEASED))
    assert await claimed(jobs, now=NOW + 4 * SECOND) == []
    assert await claimed(jobs, now=NOW + 5 * SECOND) == [("J1", 2)]


async def test_the_longest_due_go_first_unless_another_order_is_asked_for(jobs):
    await add(jobs, -1, -3, -2)
    assert await claimed(jobs, limit=2) == [("J2", 1), ("J3", 1)]
    await add(jobs, -9)
    assert await claimed(jobs, limit=1, order_by=[job.c.id]) == [("J1", 1)]


async def test_a_claim_makes_further_changes_in_the_same_statement(jobs):
    await add(jobs, 0)
    assert await claimed(jobs, values={"state": "taken"}) == [("J1", 1)]
    assert await claimed(jobs, now=NOW + 3600 * SECOND) == []


async def test_claims_at_the_same_moment_never_meet_on_a_row(jobs):
    await add(jobs, *([0] * 60))
    rounds = await asyncio.gather(*(claimed(jobs, limit=10) for _ in range(8)))
    taken = [sn for each in rounds for sn, _ in each]
    assert len(taken) == len(set(taken)) == 60


async def test_a_claim_need_not_count_as_a_try(jobs):
    await add(jobs, 0)
    assert await claimed(jobs, count_try=False) == [("J1", 0)]
    assert await claimed(jobs) == []


def test_a_row_that_is_locked_can_be_leased_before_it_is_due():
    row = Leased()
    row.due_at, row.leased_until, row.tries = NOW + 30 * SECOND, None, 1
    assert row.next_claim_at == NOW + 30 * SECOND
    assert row.lease(NOW, 60 * SECOND) == 2
    assert (row.due_at, row.leased_until, row.tries) == (NOW, NOW + 60 * SECOND, 2)
    assert row.next_claim_at == NOW + 60 * SECOND
    row.release(NOW + 30 * SECOND)
    assert (row.due_at, row.leased_until, row.tries) == (NOW + 30 * SECOND, None, 2)
