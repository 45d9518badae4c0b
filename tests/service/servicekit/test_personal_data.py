"""The nightly job: bounded in each run, beside those who write, counted."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from servicekit import personal_data
from servicekit.personal_data import FORGOTTEN, PersonalData, Retention

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
OLD, YOUNG = NOW - timedelta(days=31), NOW - timedelta(days=29)
FORGET = (
    "update note set words = '' where id in (select id from note where ended_at < :before and words <> ''"
    " order by ended_at limit :most for update skip locked) returning id"
)


@pytest.fixture
async def notes(db, tables, monkeypatch):
    """Ten old notes and a young one; two rows a slice, two slices a run."""
    monkeypatch.setattr(personal_data, "SLICE", 2)
    monkeypatch.setattr(personal_data, "MOST_SLICES", 2)
    tables.execute("create table note (id int primary key, words text, ended_at timestamptz)")
    for number in range(1, 12):
        tables.execute("insert into note values (%s, 'secret', %s)", [number, OLD if number < 11 else YOUNG])
    yield PersonalData(
        db=db, clock=lambda: NOW, holdings=(), retentions=[Retention("notes", timedelta(days=30), FORGET)]
    )
    tables.execute("drop table note")


def left(tables):
    return [row[0] for row in tables.execute("select id from note where words <> '' order by id").fetchall()]


async def test_a_run_is_bounded_and_the_next_one_goes_on(notes, tables):
    counted = FORGOTTEN.labels("notes")._value.get()
    assert await notes.forget() == 4
    assert len(left(tables)) == 7
    assert [await notes.forget() for _ in range(3)] == [4, 2, 0]
    assert left(tables) == [11]
    assert FORGOTTEN.labels("notes")._value.get() == counted + 10


async def test_runs_at_the_same_time_share_the_work(notes, tables):
    counts = await asyncio.gather(*(notes.forget() for _ in range(5)))
    assert sum(counts) == 10
    assert left(tables) == [11]


async def test_a_row_that_is_being_written_is_left_for_the_next_night(notes, tables, db):
    async with db.transaction() as tx:
        await tx.execute(text("select * from note where id <= 9 for update"))
        assert await notes.forget() == 1
    assert left(tables) == [*range(1, 10), 11]
    assert await notes.forget() == 4
