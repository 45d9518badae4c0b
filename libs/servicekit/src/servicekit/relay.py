"""The relay: publishes the outbox to Kafka through the sidecar. One replica per service does, under an advisory lock.

At most one event of a key is in flight, so the order of a key is kept; a key that fails waits alone, the others go on.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from servicekit.activity import Activity
from servicekit.db import Database
from servicekit.due import Backoff
from servicekit.error_texts import error_text
from servicekit.errors import PeerUnavailable
from servicekit.outbox import outbox
from servicekit.pace import Pace
from servicekit.sidecar import BulkEntry, Sidecar
from servicekit.stopping import stop_if_asked
from servicekit.telemetry import traces

log = structlog.get_logger()

PUBLISHED = Counter("outbox_published_total", "Events handed to the broker", ["topic"])
FAILED = Counter("outbox_publish_failures_total", "Publish attempts that failed", ["topic"])
LAG = Gauge("outbox_lag_events", "Events that wait in the outbox")
AGE = Gauge("outbox_oldest_seconds", "Age of the oldest event that waits")
ACTIVE = Gauge("outbox_relay_active", "1 where this replica holds the relay, NaN where there is no outbox")
ACTIVE.set(math.nan)

LOCK_ID = 7_301_001
SILENT_SECONDS = 20
"""The lock holder talks to the database every five seconds; one that is silent for this long loses the lock."""
DRAIN_SECONDS = 8.0
"""How long a batch in progress may delay the shutdown: the sidecar's and the database's bounds are below it."""
CHANNEL = "outbox"
_FIRST_PAUSE = timedelta(seconds=0.2)
KEY_PAUSES, TOPIC_PAUSES = Backoff(_FIRST_PAUSE, timedelta(seconds=30)), Backoff(_FIRST_PAUSE, timedelta(seconds=5))
"""Between tries of an event that is refused, and of a topic that takes nothing."""
LONGEST_RECONNECT_PAUSE = timedelta(seconds=5)
BUSY_PER_SECOND, GATHER_SECONDS = 200, 0.1
"""Above this rate the next events gather for so long after a page: request and commits cost the same for one as for a
hundred, here and where the events arrive."""
_PAGE = """
select id, event_id, topic, partition_key, event::text as text from outbox
 where published_at is null and partition_key <> all($1::text[]) and topic <> all($2::text[]) order by id limit $3
"""
_MARK = """
with quickly as materialized (select set_config('synchronous_commit', 'off', true) as setting)
update outbox set published_at = now() from quickly where id = any($1::bigint[]) and quickly.setting = 'off'
"""
"""Does not wait for the disk: events whose mark a crash takes back are published again, and consumers know their ids."""

Event = Mapping[str, Any]
"""A row of a page."""


class Relay:
    """Runs until cancelled. `wake()` after a commit; `poll_seconds` is what a lost wake-up costs at the most. After a
    page the next events gather for `gather_seconds`, and for GATHER_SECONDS at a high rate."""

    def __init__(
        self,
        db: Database,
        sidecar: Sidecar,
        *,
        batch: int = 500,
        gather_seconds: float = 0.0,
        poll_seconds: float = 1.0,
        keep_days: int = 7,
        activity: Activity | None = None,
    ) -> None:
        self._db, self._sidecar, self._activity = db, sidecar, activity
        self._batch, self._poll, self._keep_days = batch, poll_seconds, keep_days
        self._gather = gather_seconds
        self._woken = asyncio.Event()
        self._parked: dict[str, tuple[float, int]] = {}
        self._parked_topics: dict[str, tuple[float, int]] = {}
        self._next_sweep = 0.0
        self._pace = Pace()
        db.on_outbox.append(self.wake)
        ACTIVE.set(0)

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        pauses, failures = Backoff(timedelta(seconds=self._poll), LONGEST_RECONNECT_PAUSE), 0
        while True:
            began = time.monotonic()
            try:
                await self._hold_and_publish()
            except Exception as error:  # noqa: BLE001 - the relay outlives any fault of the database or the sidecar
                log.warning("relay interrupted", error=error_text(error))
            stop_if_asked()
            ACTIVE.set(0)
            failures = failures + 1 if time.monotonic() - began < 10 else 0
            await asyncio.sleep(pauses.pause(failures + 1).total_seconds())

    async def _hold_and_publish(self) -> None:
        async with self._db.own_connection(silent_seconds=SILENT_SECONDS) as connection:
            while not await self._take_lock(connection):
                await self._stand_by(connection)
                await self._sweep()
            ACTIVE.set(1)
            await self._listen_and_publish(connection)

    async def _take_lock(self, connection: AsyncConnection) -> bool:
        return bool(await connection.scalar(text("select pg_try_advisory_lock(:id)"), {"id": LOCK_ID}))

    async def _stand_by(self, connection: AsyncConnection) -> None:
        """Another replica publishes: pass our commits' wake-ups on to it, one notification for many of them."""
        try:
            async with asyncio.timeout(self._poll):
                await self._woken.wait()
        except TimeoutError:
            return  # look at the lock again
        self._woken.clear()
        await connection.execute(text(f"notify {CHANNEL}"))
        await asyncio.sleep(0.02)

    async def _listen_and_publish(self, connection: AsyncConnection) -> None:
        """Both end together: who loses the lock's connection stops publishing at once. No TaskGroup: there a fault of one
        hides that we were cancelled."""
        both = [asyncio.create_task(self._listen(connection)), asyncio.create_task(self._publish_forever())]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            ends = await asyncio.gather(*both, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _listen(self, connection: AsyncConnection) -> None:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        await raw.add_listener(CHANNEL, lambda *_: self.wake())
        while True:
            await connection.execute(text("select 1"))  # a silent connection may be a dead one, and the lock with it
            await asyncio.sleep(5.0)

    async def _publish_forever(self) -> None:
        while True:
            self._woken.clear()
            more = await self.publish_once()
            await self._sweep()
            if not more:
                is_busy = self._pace.per_second() > BUSY_PER_SECOND
                await asyncio.sleep(max(self._gather, GATHER_SECONDS if is_busy else 0.0))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll):
                        await self._woken.wait()

    async def publish_once(self) -> bool:
        """Publish the first waiting event of each key. Returns whether there is more to do at once.

        A topic that takes nothing waits alone, as a key that is refused does; its oldest row tells why.
        """
        parked, parked_topics = _waiting(self._parked), _waiting(self._parked_topics)
        rows = await self._db.run_alone(_PAGE, parked, parked_topics, self._batch)
        self._pace.add(len(rows))
        if not rows:
            return False
        first_of_key: dict[tuple[str, str], Event] = {}
        for row in rows:
            first_of_key.setdefault((row["topic"], row["partition_key"]), row)
        by_topic: dict[str, list[Event]] = {}
        for row in first_of_key.values():
            by_topic.setdefault(row["topic"], []).append(row)
        for topic, events in by_topic.items():
            try:
                await _to_its_end(self._publish(topic, events))
                self._parked_topics.pop(topic, None)
            except PeerUnavailable as error:
                _park(self._parked_topics, topic, TOPIC_PAUSES)
                await self._note(events[0], str(error))
                log.warning("cannot publish", topic=topic, reason=str(error), waiting=len(events))
        return len(rows) == self._batch or len(first_of_key) < len(rows)

    async def _publish(self, topic: str, rows: Sequence[Event]) -> None:
        entries = [BulkEntry(row["event_id"], row["text"], row["partition_key"]) for row in rows]
        with _span(topic, entries):
            failed = await self._sidecar.publish_bulk(topic, entries)
        if sent := [place for place, row in enumerate(rows) if row["event_id"] not in failed]:
            await self._db.run_alone(_MARK, [rows[place]["id"] for place in sent])
            if self._activity:
                self._activity.sent(topic, entries[sent[-1]].event)
        PUBLISHED.labels(topic).inc(len(sent))
        FAILED.labels(topic).inc(len(failed))
        for row in rows:
            if row["event_id"] in failed:
                _park(self._parked, row["partition_key"], KEY_PAUSES)
            else:
                self._parked.pop(row["partition_key"], None)
        for row in rows:
            if reason := failed.get(row["event_id"]):
                await self._note(row, reason)

    async def _note(self, row: Event, reason: str) -> None:
        failure = {"attempts": outbox.c.attempts + 1, "last_error": reason[:500]}
        async with self._db.transaction() as tx:
            await tx.execute(update(outbox).where(outbox.c.id == row["id"]).values(failure))

    async def _sweep(self) -> None:
        """Every ten seconds: lag and age as metrics; published rows beyond their keep are dropped, a slice at a time."""
        if time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + 10.0
        async with self._db.transaction() as tx:
            waiting: Any = (
                await tx.execute(
                    select(func.count(), func.extract("epoch", func.now() - func.min(outbox.c.created_at))).where(
                        outbox.c.published_at.is_(None)
                    )
                )
            ).one()
            LAG.set(waiting[0])
            AGE.set(float(waiting[1] or 0))
            old = (
                select(outbox.c.id)
                .where(outbox.c.published_at < func.now() - text(f"interval '{self._keep_days} days'"))
                .limit(5000)
            )
            await tx.execute(delete(outbox).where(outbox.c.id.in_(old)))


def _span(topic: str, entries: Sequence[BulkEntry]) -> AbstractContextManager[object]:
    """Of one request to the broker, linked to the traces of its events."""
    if not traces.is_on():
        return contextlib.nullcontext()
    events = [entry.event for entry in entries]
    return traces.batch(
        f"publish {topic}",
        [traces.parsed(event.get("traceparent"), event.get("tracestate")) for event in events],
        kind=traces.SpanKind.PRODUCER,
        attributes={
            "messaging.system": "kafka",
            "messaging.operation.name": "publish",
            "messaging.operation.type": "send",
            "messaging.destination.name": topic,
            "messaging.batch.message_count": len(entries),
        },
    )


async def _to_its_end(step: Coroutine[Any, Any, None]) -> None:
    """A batch that is on its way is marked before we go: else the next holder publishes it once more."""
    task = asyncio.ensure_future(step)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=DRAIN_SECONDS)
        task.cancel()
        raise


def _park(parked: dict[str, tuple[float, int]], name: str, pauses: Backoff) -> None:
    """Leave `name` alone for a pause that grows with its failures."""
    failures = parked.get(name, (0.0, 0))[1] + 1
    parked[name] = (time.monotonic() + pauses.pause(failures).total_seconds(), failures)


def _waiting(parked: dict[str, tuple[float, int]]) -> list[str]:
    now = time.monotonic()
    return [name for name, (until, _) in parked.items() if until > now]
