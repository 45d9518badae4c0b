"""Inbox, bulk outcomes, dead letters, idempotency keys."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from pydantic import BaseModel
from sqlalchemy import select

from servicekit import inbox
from servicekit.deadletters import DeadLetters, dead_letter
from servicekit.errors import DatabaseUnavailable, Poison
from servicekit.events import CloudEvent, Consumer, EventData, bulk_routes
from servicekit.idempotency import Idempotency, IdempotencyInFlight, IdempotencyMismatch

NOW, DAY = datetime(2026, 11, 23, 4, tzinfo=UTC), timedelta(days=1)


class Data(EventData):
    n: int


def envelope(n, event_id="1"):
    return {"id": event_id, "source": "minsu/test", "type": "t", "data": {"n": n}}


def consumer(handle):
    return Consumer("topic", "/events/topic", Data, handle)


async def post(handle, body):
    app = FastAPI()
    app.include_router(bulk_routes(consumer(handle)))
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://app") as http:
        return (await http.post("/events/topic", **body)).json()


def bulk(*entries):
    return {"json": {"entries": [{"entryId": i, "event": e, "metadata": {"__key": k}} for i, k, e in entries]}}


async def handle_by_number(_event, data):
    if data.n == 1:
        raise Poison("one")
    if data.n == 2:
        raise DatabaseUnavailable
    if data.n == 3:
        raise KeyError("a bug")


@pytest.mark.parametrize(("in_order", "together"), [(True, [0]), (False, [0, 5, 6])])
async def test_events_of_one_key_are_handled_together_only_where_their_order_says_nothing(in_order, together):
    seen, alone = [], []

    async def handle(_event, data):
        alone.append(data.n)

    async def handle_plain(received):
        seen.extend(each.data.n for each in received)
        return set(range(len(received)))

    app = FastAPI()
    app.include_router(bulk_routes(Consumer("topic", "/events/topic", Data, handle, handle_plain, in_order=in_order)))
    entries = bulk(("e1", "a", envelope(0)), ("e2", "b", envelope(5, "2")), ("e3", "b", envelope(6, "3")))
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://app") as http:
        answer = (await http.post("/events/topic", **entries)).json()

    assert {each["status"] for each in answer["statuses"]} == {"SUCCESS"}
    assert (seen, alone) == (together, [n for n in (0, 5, 6) if n not in together])


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (envelope(0), "SUCCESS"),
        (envelope(1), "DROP"),
        (envelope(2), "RETRY"),
        (envelope(3), "RETRY"),
        (envelope("no number"), "DROP"),
        ({"data": {"n": 0}}, "DROP"),
        (None, "DROP"),
        ({**envelope(0), "extra": 1, "traceparent": ""}, "SUCCESS"),
    ],
)
async def test_each_event_gets_the_answer_that_the_sidecar_understands(event, status):
    assert await post(handle_by_number, bulk(("e1", "k", event))) == {"statuses": [{"entryId": "e1", "status": status}]}
    assert await post(handle_by_number, {"json": event}) == {"status": status}


async def test_what_follows_a_waiting_event_of_its_key_waits_too_and_other_keys_go_on():
    handled = []

    async def handle(event, data):
        await handle_by_number(event, data)
        handled.append(event.id)

    answer = await post(
        handle,
        bulk(
            ("1", "a", envelope(0, "a1")),
            ("2", "a", envelope(2, "a2")),
            ("3", "a", envelope(0, "a3")),
            ("4", "b", envelope(0, "b1")),
        ),
    )

    statuses = {each["entryId"]: each["status"] for each in answer["statuses"]}
    assert statuses == {"1": "SUCCESS", "2": "RETRY", "3": "RETRY", "4": "SUCCESS"}
    assert sorted(handled) == ["a1", "b1"]


async def test_a_body_that_is_no_json_is_poison():
    assert await post(handle_by_number, {"content": b"{"}) == {"status": "DROP"}


async def test_twenty_deliveries_of_one_event_at_once_take_effect_once(db):
    event = CloudEvent.model_validate(envelope(0))

    async def take():
        async with db.transaction() as tx:
            return await inbox.first_time(tx, event)

    assert sorted(await asyncio.gather(*(take() for _ in range(20)))) == [False] * 19 + [True]


async def test_an_event_whose_effect_failed_may_come_again(db):
    event = CloudEvent.model_validate(envelope(0))
    with pytest.raises(RuntimeError):
        async with db.transaction() as tx:
            assert await inbox.first_time(tx, event)
            raise RuntimeError

    async with db.transaction() as tx:
        assert await inbox.first_time(tx, event)


async def letters_of(db):
    async with db.read() as session:
        return (await session.execute(select(dead_letter).order_by(dead_letter.c.id))).mappings().all()


async def test_a_dead_letter_is_applied_when_the_outage_is_over_and_poison_waits_for_an_operator(db):
    outage = [True]

    async def handle(_event, data):
        if data.n == 1:
            raise Poison("never")
        if outage[0]:
            raise DatabaseUnavailable

    now = [NOW]
    letters = DeadLetters(db=db, clock=lambda: now[0], app_id="test", consumers=[consumer(handle)])
    for event_id, n in (("good", 0), ("bad", 1), ("good", 0)):
        await letters.keep("topic", json.dumps(envelope(n, event_id)).encode())
    await letters.keep("topic", b"\xff\x00 no json")

    assert await letters.reapply() == {"applied": 0, "waiting": 1, "poison": 2}
    assert await letters.reapply() == {"applied": 0, "waiting": 0, "poison": 0}
    outage[0] = False
    now[0] += timedelta(seconds=60)
    assert await letters.reapply() == {"applied": 1, "waiting": 0, "poison": 0}

    assert [(row["event_id"], row["state"]) for row in await letters_of(db)][:2] == [
        ("good", "applied"),
        ("bad", "poison"),
    ]
    assert (await letters_of(db))[1]["reason"] == "never"


@pytest.mark.parametrize("body", [b"[" * 100_000, b"{", b""])
async def test_a_dead_letter_that_no_retry_can_read_is_poison(db, body):
    async def handle(_event, _data):
        raise AssertionError

    letters = DeadLetters(db=db, clock=lambda: NOW, app_id="test", consumers=[consumer(handle)])
    await letters.keep("topic", body)
    assert await letters.reapply() == {"applied": 0, "waiting": 0, "poison": 1}


class Body(BaseModel):
    n: int


class Answer(BaseModel):
    made: str


async def test_the_same_key_and_request_get_the_same_answer_and_the_work_is_done_once(db):
    store, made = Idempotency(db, lambda: NOW, keep=DAY), []

    async def make():
        made.append(1)
        return Answer(made=f"number {len(made)}")

    first = await store.once("1:/x", "key", Body(n=1), Answer, make)
    second = await store.once("1:/x", "key", Body(n=1), Answer, make)
    other_user = await store.once("2:/x", "key", Body(n=1), Answer, make)

    assert first == (Answer(made="number 1"), False)
    assert second == (Answer(made="number 1"), True)
    assert other_user == (Answer(made="number 2"), False)


async def test_another_request_under_the_key_is_refused(db):
    store = Idempotency(db, lambda: NOW, keep=DAY)

    async def make():
        return Answer(made="once")

    await store.once("1:/x", "key", Body(n=1), Answer, make)
    with pytest.raises(IdempotencyMismatch):
        await store.once("1:/x", "key", Body(n=2), Answer, make)


async def test_while_the_first_runs_the_second_is_told_and_after_a_crash_the_key_is_free_again(db):
    now = [NOW]
    store, gate = Idempotency(db, lambda: now[0], keep=DAY), asyncio.Event()

    async def slow():
        await gate.wait()
        return Answer(made="slow")

    async def quick():
        return Answer(made="quick")

    running = asyncio.create_task(store.once("1:/x", "key", Body(n=1), Answer, slow))
    while not await _claimed(db):
        await asyncio.sleep(0)
    with pytest.raises(IdempotencyInFlight):
        await store.once("1:/x", "key", Body(n=1), Answer, quick)
    now[0] += timedelta(seconds=31)  # as if the process had died
    assert await store.once("1:/x", "key", Body(n=1), Answer, quick) == (Answer(made="quick"), False)
    gate.set()
    await running


async def test_of_two_that_come_together_under_one_key_one_runs(db):
    store, made = Idempotency(db, lambda: NOW, keep=DAY), []

    async def make():
        made.append(1)
        return Answer(made=f"number {len(made)}")

    results = await asyncio.gather(
        *(store.once("1:/x", key, Body(n=1), Answer, make) for key in ("a", "a", "b", "c")), return_exceptions=True
    )

    assert [isinstance(each, IdempotencyInFlight) for each in results] == [False, True, False, False]
    assert sorted(each[0].made for each in results if isinstance(each, tuple)) == ["number 1", "number 2", "number 3"]
    for key, result in (("a", results[0]), ("b", results[2]), ("c", results[3])):
        assert await store.once("1:/x", key, Body(n=1), Answer, make) == (result[0], True)
    assert len(made) == 3


async def _claimed(db):
    from servicekit.idempotency import idempotency_key

    async with db.read() as session:
        return (await session.execute(select(idempotency_key))).first() is not None


async def test_a_failure_is_not_kept(db):
    store = Idempotency(db, lambda: NOW, keep=DAY)

    async def fail():
        raise DatabaseUnavailable

    async def make():
        return Answer(made="later")

    with pytest.raises(DatabaseUnavailable):
        await store.once("1:/x", "key", Body(n=1), Answer, fail)
    assert await store.once("1:/x", "key", Body(n=1), Answer, make) == (Answer(made="later"), False)
