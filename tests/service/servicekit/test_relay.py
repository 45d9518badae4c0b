"""The relay: nothing twice at once, order per key, one active replica, failures wait alone."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text

from servicekit.db import Database
from servicekit.errors import PeerUnavailable
from servicekit.outbox import OutgoingEvent, outbox, publish_later
from servicekit.relay import Relay
from servicekit.testing import FakeSidecar


class Broker(FakeSidecar):
    """Remembers what was published; `down` refuses all, `refuse` refuses some keys."""

    def __init__(self):
        super().__init__()
        self.batches = []
        self.down = False
        self.broken_topic = None
        self.refuse = set()

    @property
    def published(self):
        return [(entry.key, entry.event["data"]["n"]) for batch in self.batches for entry in batch]

    async def publish_bulk(self, topic, entries):
        if self.down or topic == self.broken_topic:
            raise PeerUnavailable("kafka")
        failed = {entry.id: "refused" for entry in entries if entry.key in self.refuse}
        self.batches.append([entry for entry in entries if entry.id not in failed])
        return failed


async def put(db, *events, topic="topic"):
    async with db.transaction() as tx:
        for key, n in events:
            await publish_later(
                tx, OutgoingEvent(topic, key, "minsu.test.v1", "minsu/test", key, {"n": n}, datetime.now(UTC))
            )


async def unpublished(db):
    async with db.read() as session:
        rows = await session.execute(select(outbox.c.partition_key).where(outbox.c.published_at.is_(None)))
        return sorted(rows.scalars())


async def until(condition):
    async with asyncio.timeout(10):
        while not await condition():
            await asyncio.sleep(0.01)


async def all_published(db):
    return await unpublished(db) == []


async def test_events_of_a_key_leave_in_order_one_at_a_time(db):
    broker = Broker()
    await put(db, ("a", 1), ("b", 1), ("a", 2), ("a", 3), ("b", 2))

    while await Relay(db, broker).publish_once():
        pass

    assert [n for key, n in broker.published if key == "a"] == [1, 2, 3]
    assert [n for key, n in broker.published if key == "b"] == [1, 2]
    assert all(len({entry.key for entry in batch}) == len(batch) for batch in broker.batches)
    assert await unpublished(db) == []


async def test_a_rolled_back_transaction_publishes_nothing(db):
    with pytest.raises(RuntimeError):
        async with db.transaction() as tx:
            await publish_later(
                tx, OutgoingEvent("topic", "a", "minsu.test.v1", "minsu/test", "a", {}, datetime.now(UTC))
            )
            raise RuntimeError

    assert await unpublished(db) == []


async def test_while_the_broker_is_down_everything_waits_and_then_leaves(db):
    broker = Broker()
    broker.down = True
    relay = Relay(db, broker, poll_seconds=0.05)
    task = asyncio.create_task(relay.run())
    await put(db, ("a", 1), ("b", 1))
    await asyncio.sleep(0)
    assert await unpublished(db) == ["a", "b"]

    broker.down = False
    await until(lambda: all_published(db))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert sorted(broker.published) == [("a", 1), ("b", 1)]


async def test_a_refused_key_waits_alone_and_keeps_its_order(db):
    broker = Broker()
    broker.refuse = {"bad"}
    relay = Relay(db, broker)
    await put(db, ("bad", 1), ("good", 1), ("bad", 2), ("good", 2))

    for _ in range(4):
        await relay.publish_once()
    assert broker.published == [("good", 1), ("good", 2)]

    broker.refuse = set()
    relay._parked.clear()
    while await relay.publish_once():
        pass
    assert broker.published[2:] == [("bad", 1), ("bad", 2)]
    async with db.read() as session:
        row = (await session.execute(select(outbox).where(outbox.c.partition_key == "bad").limit(1))).mappings().one()
    assert (row["attempts"], row["last_error"]) == (1, "refused")


async def test_a_topic_that_takes_nothing_does_not_hold_up_the_others(db):
    broker = Broker()
    broker.broken_topic = "broken"
    await put(db, *((f"a{n}", n) for n in range(250)), topic="broken")  # more than a batch, and before the good one
    await put(db, ("b", 1))
    relay = Relay(db, broker)

    await relay.publish_once()
    await relay.publish_once()

    assert broker.published == [("b", 1)]
    assert len(await unpublished(db)) == 250


async def test_of_two_replicas_one_publishes_and_the_other_takes_over(db, database_url):
    brokers = [Broker(), Broker()]
    databases = [Database(database_url), Database(database_url)]
    relays = [
        asyncio.create_task(Relay(database, broker, poll_seconds=0.1).run())
        for database, broker in zip(databases, brokers, strict=True)
    ]
    await put(db, ("a", 1))
    await until(lambda: all_published(db))
    active = 0 if brokers[0].published else 1

    relays[active].cancel()
    await asyncio.gather(relays[active], return_exceptions=True)
    await put(db, ("a", 2))
    await until(lambda: all_published(db))

    assert brokers[active].published == [("a", 1)]
    assert brokers[1 - active].published == [("a", 2)]
    relays[1 - active].cancel()
    await asyncio.gather(relays[1 - active], return_exceptions=True)
    for database in databases:
        await database.close()


async def test_a_holder_that_says_nothing_any_more_is_followed(database_url, monkeypatch):
    """A lost node closes no connection, and a frozen process still answers the network's own questions."""

    class Frozen(Relay):
        holds = asyncio.Event()

        async def _listen_and_publish(self, connection):
            self.holds.set()
            await asyncio.Event().wait()

    monkeypatch.setattr("servicekit.relay.SILENT_SECONDS", 1)
    databases, broker = [Database(database_url), Database(database_url)], Broker()
    frozen = asyncio.create_task(Frozen(databases[0], Broker()).run())
    await Frozen.holds.wait()
    other = asyncio.create_task(Relay(databases[1], broker, poll_seconds=0.1).run())

    await put(databases[1], ("a", 1))
    await until(lambda: all_published(databases[1]))

    assert broker.published == [("a", 1)]
    for task in (frozen, other):
        task.cancel()
    await asyncio.gather(frozen, other, return_exceptions=True)
    for database in databases:
        await database.close()


async def test_old_published_rows_are_swept_away_and_waiting_ones_never(db):
    await put(db, ("old", 1), ("new", 1), ("waiting", 1))
    async with db.transaction() as tx:
        await tx.execute(text("update outbox set published_at = now() - interval '8 days' where partition_key = 'old'"))
        await tx.execute(text("update outbox set published_at = now() where partition_key = 'new'"))
        await tx.execute(
            text("update outbox set created_at = now() - interval '9 days' where partition_key = 'waiting'")
        )

    await Relay(db, Broker())._sweep()

    async with db.read() as session:
        assert sorted((await session.execute(select(outbox.c.partition_key))).scalars()) == ["new", "waiting"]


async def test_a_batch_on_its_way_is_marked_before_the_relay_goes(db):
    class SlowBroker(Broker):
        began, may_end = asyncio.Event(), asyncio.Event()

        async def publish_bulk(self, topic, entries):
            self.began.set()
            await self.may_end.wait()
            return await super().publish_bulk(topic, entries)

    broker = SlowBroker()
    await put(db, ("a", 1), ("b", 1))
    task = asyncio.create_task(Relay(db, broker).run())
    await broker.began.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    broker.may_end.set()
    await asyncio.gather(task, return_exceptions=True)

    assert task.cancelled()
    assert sorted(broker.published) == [("a", 1), ("b", 1)]
    assert await unpublished(db) == []


async def test_a_relay_that_hangs_in_a_batch_goes_in_bounded_time(db, monkeypatch):
    class DeafBroker(Broker):
        began = asyncio.Event()

        async def publish_bulk(self, topic, entries):
            self.began.set()
            await asyncio.Event().wait()

    monkeypatch.setattr("servicekit.relay.DRAIN_SECONDS", 0.05)
    broker = DeafBroker()
    await put(db, ("a", 1))
    task = asyncio.create_task(Relay(db, broker).run())
    await broker.began.wait()
    task.cancel()
    async with asyncio.timeout(2):
        await asyncio.gather(task, return_exceptions=True)

    assert await unpublished(db) == ["a"]
