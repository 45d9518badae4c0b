"""The hourly chores: all of them, whatever one of them does."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

from prometheus_client import REGISTRY
from sqlalchemy import func, select, text

from servicekit import inbox as inboxes
from servicekit.deadletters import DeadLetters, dead_letter
from servicekit.errors import Poison
from servicekit.events import Consumer, EventData
from servicekit.idempotency import Idempotency, idempotency_key
from servicekit.inbox import inbox
from servicekit.loop import Loop
from servicekit.relay import AGE, LAG, Relay
from servicekit.testing import FakeSidecar

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)


async def test_a_chore_that_fails_keeps_neither_the_others_nor_the_next_round():
    done: list[str] = []
    twice = asyncio.Event()

    async def fails() -> None:
        done.append("fails")
        raise RuntimeError("no")

    async def works() -> None:
        done.append("works")
        if done.count("works") == 2:
            twice.set()

    task = asyncio.create_task(Loop(fails, works, name="upkeep", every_seconds=0).run())
    await asyncio.wait_for(twice.wait(), 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert done[:4] == ["fails", "works", "fails", "works"]


async def count(db, table):
    async with db.read() as session:
        return await session.scalar(select(func.count()).select_from(table))


async def test_the_inbox_forgets_by_its_policy_however_much_there_is(db, monkeypatch):
    monkeypatch.setattr(inboxes, "SLICE", 10)
    async with db.transaction() as tx:
        await tx.execute(
            text(
                "insert into inbox select 's', n::text, now() - interval '9 days' from generate_series(1, 35) n"
                " union all select 's', 'young', now() - interval '7 days'"
            )
        )
    assert await inboxes.prune(db, keep_days=8) == 35
    assert await count(db, inbox) == 1


async def test_keys_are_forgotten_by_their_policy_however_many_there_are(db, monkeypatch):
    monkeypatch.setattr("servicekit.idempotency.SLICE", 10)
    async with db.transaction() as tx:
        await tx.execute(
            text(
                "insert into idempotency_key"
                " select 's', n::text, 'f', 'a', cast(:now as timestamptz) - interval '49 hours'"
                " from generate_series(1, 35) n"
                " union all select 's', 'young', 'f', 'a', cast(:now as timestamptz) - interval '47 hours'"
            ),
            {"now": NOW},
        )
    assert await Idempotency(db, lambda: NOW, keep=timedelta(days=2)).prune() == 35
    assert await count(db, idempotency_key) == 1


class Data(EventData):
    n: int


async def test_dead_letters_that_ended_are_forgotten_and_those_that_are_stuck_never(db):
    letters = DeadLetters(db=db, clock=lambda: NOW, app_id="test", consumers=[])
    async with db.transaction() as tx:
        await tx.execute(
            text(
                "insert into dead_letter (topic, source, event_id, body, state, received_at, ended_at)"
                " select 't', 's', state || age, 'b', state, now(), cast(:now as timestamptz) - age * interval '1 day'"
                " from unnest(array['applied', 'discarded', 'poison', 'waiting']) state, unnest(array[89, 91]) age"
            ),
            {"now": NOW},
        )
    assert await letters.forget(90) == 2
    assert await letters.forget(90) == 0
    async with db.read() as session:
        left = await session.scalars(select(dead_letter.c.event_id).order_by(dead_letter.c.event_id))
    assert left.all() == ["applied89", "discarded89", "poison89", "poison91", "waiting89", "waiting91"]


async def test_what_is_stuck_is_a_metric_by_topic_and_state(db):
    async def poison(_event, _data):
        raise Poison("never")

    letters = DeadLetters(
        db=db, clock=lambda: NOW, app_id="test", consumers=[Consumer("stuck-topic", "/events/t", Data, poison)]
    )

    def measured():
        return [
            REGISTRY.get_sample_value("dead_letters", {"topic": "stuck-topic", "state": state})
            for state in ("waiting", "poison")
        ]

    for n in range(3):
        await letters.keep("stuck-topic", json.dumps({"id": str(n), "source": "s", "data": {"n": n}}).encode())
    await letters.measure()
    assert measured() == [3, 0]
    await letters.reapply()
    await letters.measure()
    assert measured() == [0, 3]


async def test_lag_and_age_are_metrics_also_while_another_replica_holds_the_relay(db):
    async with db.read() as session:
        await session.execute(text("select pg_advisory_lock(7301001)"))
        await session.execute(
            text(
                "insert into outbox (event_id, topic, partition_key, event, created_at)"
                " values ('e', 't', 'k', '{}', now() - interval '60 seconds')"
            )
        )
        LAG.set(0)
        AGE.set(0)
        task = asyncio.create_task(Relay(db, FakeSidecar(), poll_seconds=0.05).run())
        async with asyncio.timeout(5):
            while REGISTRY.get_sample_value("outbox_lag_events") != 1:
                await asyncio.sleep(0.01)
        age = REGISTRY.get_sample_value("outbox_oldest_seconds")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await session.execute(text("select pg_advisory_unlock(7301001)"))
    assert 60 <= age < 70
