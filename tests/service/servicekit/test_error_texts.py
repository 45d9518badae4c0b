"""What is kept of an error for people quotes no row: of a database's, its types, SQLSTATE and constraint."""

import json
from datetime import UTC, datetime

import asyncpg
import pytest
from pydantic import BaseModel
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from servicekit.activity import Activity
from servicekit.db import Database
from servicekit.deadletters import DeadLetters, dead_letter
from servicekit.error_texts import error_text
from servicekit.events import Consumer, EventData

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
MOBILE = "13812345678"
CONSTRAINT = "uq_dead_letter_topic_source_event_id"
UNIQUE = f"IntegrityError: UniqueViolationError, SQLSTATE 23505, {CONSTRAINT}"
ROW = {"topic": "t", "source": "s", "event_id": MOBILE, "body": "x"}


class Guest(BaseModel):
    mobile: int


async def insert_twice(db: Database) -> None:
    async with db.transaction() as tx:
        await tx.execute(insert(dead_letter).values(ROW))
        await tx.execute(insert(dead_letter).values(ROW))


async def test_no_error_of_the_database_quotes_the_parameters(db):
    with pytest.raises(IntegrityError) as refused:
        await insert_twice(db)
    assert "parameters: " not in str(refused.value)
    assert "hide_parameters=True" in str(refused.value)
    async with db.own_connection() as connection:
        with pytest.raises(DBAPIError) as refused:
            await connection.execute(text("select 1 / length(:mobile) + cast(:mobile as date)"), {"mobile": MOBILE})
    assert "parameters: " not in str(refused.value)


async def test_an_error_of_a_statement_is_named_by_type_sqlstate_and_constraint(db):
    with pytest.raises(IntegrityError, match=MOBILE) as refused:
        await insert_twice(db)
    assert error_text(refused.value) == UNIQUE


async def test_an_error_of_the_driver_itself_is_named_the_same_way(db):
    statement = (
        "insert into dead_letter (topic, source, event_id, body) values ('t', 's', $1, 'x'), ('t', 's', $1, 'x')"
    )
    with pytest.raises(asyncpg.UniqueViolationError, match=MOBILE) as refused:
        await db.run_alone(statement, MOBILE)
    assert error_text(refused.value) == f"UniqueViolationError: SQLSTATE 23505, {CONSTRAINT}"
    with pytest.raises(asyncpg.DataError, match=MOBILE) as unfit:
        await db.run_alone("select $1::date", MOBILE)
    assert error_text(unfit.value) == "DataError: SQLSTATE 22000"


def test_input_that_does_not_fit_is_named_by_its_place_and_rule():
    with pytest.raises(ValueError, match="138a") as unfit:
        Guest.model_validate({"mobile": "138a"})
    assert error_text(unfit.value) == "ValidationError: 1 errors, first int_parsing at mobile"


def test_any_other_error_keeps_its_text_and_is_cut():
    assert error_text(RuntimeError("disk is full")) == "RuntimeError: disk is full"
    assert error_text(RuntimeError("x" * 400)) == "RuntimeError: " + "x" * 286


async def test_a_failed_tick_keeps_no_row(db):
    activity = Activity(lambda: NOW, port=1, version="1")
    with pytest.raises(IntegrityError), activity.tick("count"):
        await insert_twice(db)
    assert activity.ticks["count"].error == UNIQUE


@pytest.mark.parametrize(
    ("number", "state", "reason"),
    [(MOBILE, "waiting", UNIQUE), ("138a", "poison", "ValidationError: 1 errors, first int_parsing at mobile")],
)
async def test_the_reason_of_a_dead_letter_keeps_no_row(db, number, state, reason):
    async def handle(_event, _data):
        Guest.model_validate({"mobile": number})
        await insert_twice(db)

    letters = DeadLetters(
        db=db, clock=lambda: NOW, app_id="test", consumers=[Consumer("topic", "/events/topic", EventData, handle)]
    )
    await letters.keep("topic", json.dumps({"id": "1", "source": "s", "data": {}}).encode())
    await letters.reapply()
    async with db.read() as session:
        [kept] = (await session.execute(dead_letter.select())).mappings().all()
    assert (kept["state"], kept["reason"]) == (state, reason)
