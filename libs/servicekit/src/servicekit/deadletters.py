"""Dead letters of a service: events that its consumers could not apply, kept in a table and retried by cron.

The dead-letter topics are copied into the table (that subscription retries for ever); every row is retried with growing
pauses until it is applied. A row that no retry can apply becomes `poison` with its reason and waits for an operator.
What operators see and do: operations.py; its paths and page sizes: operations_api.py.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from fastapi import FastAPI, Request
from prometheus_client import Gauge
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Integer,
    RowMapping,
    Table,
    Text,
    UniqueConstraint,
    and_,
    delete,
    func,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from servicekit.clock import Clock
from servicekit.dapr_app import dapr_app
from servicekit.db import Database, new_metadata
from servicekit.due import RELEASED, Backoff, claim, due_index
from servicekit.error_texts import error_text
from servicekit.errors import Poison
from servicekit.events import SUCCESS, UNREADABLE, CloudEvent, Consumer
from servicekit.unfinished import Unfinished

log = structlog.get_logger()
STUCK = Gauge(
    "dead_letters", "Dead letters that are being retried (waiting) or need an operator (poison)", ["topic", "state"]
)
metadata = new_metadata()

dead_letter = Table(
    "dead_letter",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("topic", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="waiting"),  # waiting → applied | poison → discarded
    Column("reason", Text),
    Column("note", Text),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("leased_until", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    UniqueConstraint("topic", "source", "event_id"),
    due_index("dead_letter", is_open=text("state = 'waiting'")),
)

UNFINISHED = [
    Unfinished(
        f"dead_letter.{state}", select(func.min(dead_letter.c.received_at)).where(dead_letter.c.state == state), limit
    )
    for state, limit in (("waiting", timedelta(hours=1)), ("poison", timedelta(days=1)))
]

RAW = {"rawPayload": "true"}
"""The sidecar hands letters over unread: one that it cannot read either, such as no JSON, would hold up those behind it."""
LEASE = timedelta(minutes=2)
BACKOFF = Backoff(timedelta(seconds=20), timedelta(minutes=10))


class DeadLetters:
    """The dead letters of one service: one subscription per consumer, one `reapply` for all."""

    def __init__(self, *, db: Database, clock: Clock, app_id: str, consumers: Sequence[Consumer[Any]]) -> None:
        self._db, self._clock, self._app_id = db, clock, app_id
        self._consumers = {consumer.topic: consumer for consumer in consumers}

    @property
    def topics(self) -> frozenset[str]:
        """All topics that the sidecar has to subscribe to: each consumer's, and its dead letters'."""
        return frozenset(self._consumers) | {self._letters_of(topic) for topic in self._consumers}

    def subscribe(self, app: FastAPI, pubsub: str) -> None:
        """Add a route for each consumer's dead letters and announce it to the sidecar.

        dapr/subscriptions declares the same, because the sidecar asks once in its life and takes an error for "none";
        of one topic declared and announced it makes one subscription (docs/decisions/0010).
        """
        subscriptions = dapr_app(app)
        for topic in self._consumers:
            path = f"/events/dead-letters/{topic}"
            letters = self._letters_of(topic)
            subscriptions.subscribe(pubsub, letters, metadata=RAW, route=path)(self._reader(topic))

    def _letters_of(self, topic: str) -> str:
        return f"{topic}.{self._app_id}.dlq"

    def _reader(self, topic: str) -> Any:
        async def read(request: Request) -> dict[str, str]:
            await self.keep(topic, await request.body())
            return {"status": SUCCESS}

        return read

    async def keep(self, topic: str, body: bytes) -> None:
        """Insert the letter unless it is there. Raises DatabaseUnavailable: the broker then redelivers it."""
        body = _as_published(body)
        body_text = body.decode("utf-8", "replace").replace("\x00", "\ufffd")
        try:
            event = CloudEvent.model_validate_json(body_text)
            source, event_id = event.source, event.id
        except ValueError:
            source, event_id = "unreadable", hashlib.sha256(body).hexdigest()
        async with self._db.transaction() as tx:
            await tx.execute(
                insert(dead_letter)
                .values(topic=topic, source=source, event_id=event_id, body=body_text, due_at=self._clock())
                .on_conflict_do_nothing()
            )

    async def reapply(self, *, limit: int = 50, only: int | None = None) -> dict[str, int]:
        """Retry the letters that are due (of those, only the letter `only`). Returns the number by resulting state.

        Replicas and overlapping cron ticks never claim the same row.
        """
        counts = {"applied": 0, "waiting": 0, "poison": 0}
        for letter in await self._claim(limit, only):
            state, reason = await self._try(letter["topic"], letter["body"])
            counts[state] += 1
            await self._record(letter["id"], state, reason, letter["tries"])
        return counts

    async def measure(self) -> None:
        """Set the gauge of stuck letters by topic and state."""
        counted = select(dead_letter.c.topic, dead_letter.c.state, func.count()).where(
            dead_letter.c.state.in_(["waiting", "poison"])
        )
        async with self._db.read() as session:
            rows = (await session.execute(counted.group_by(dead_letter.c.topic, dead_letter.c.state))).tuples().all()
        found = {(topic, state): count for topic, state, count in rows}
        for topic in self._consumers:
            for state in ("waiting", "poison"):
                STUCK.labels(topic, state).set(found.get((topic, state), 0))

    async def forget(self, keep_days: int) -> int:
        """Delete at most 5000 letters that were applied or discarded more than `keep_days` ago. Returns the number."""
        old = (
            select(dead_letter.c.id)
            .where(
                dead_letter.c.state.in_(["applied", "discarded"]),
                dead_letter.c.ended_at < self._clock() - timedelta(days=keep_days),
            )
            .limit(5000)
        )
        async with self._db.transaction() as tx:
            gone = await tx.execute(delete(dead_letter).where(dead_letter.c.id.in_(old)).returning(dead_letter.c.id))
            return len(gone.all())

    async def _claim(self, limit: int, only: int | None) -> list[RowMapping]:
        c = dead_letter.c
        which = c.id == only if only is not None else true()
        async with self._db.transaction() as tx:
            return await claim(
                tx,
                dead_letter,
                c.topic,
                c.body,
                c.tries,
                is_open=and_(c.state == "waiting", which),
                now=self._clock(),
                lease=LEASE,
                limit=limit,
                order_by=[c.id],
            )

    async def _try(self, topic: str, body: str) -> tuple[str, str | None]:
        try:
            await self._consumers[topic].apply(json.loads(body))
        except (Poison, KeyError, *UNREADABLE) as error:
            # Stricter than Consumer.outcome, which retries a handler's ValueError: the broker has done so already, and
            # what is still unreadable, of no known topic or refused as a value needs an operator, not more time.
            reason = str(error)[:500] if isinstance(error, Poison) else error_text(error)
            log.error("dead letter is poison", topic=topic, reason=reason)
            return "poison", reason
        except Exception as error:  # noqa: BLE001 - any other fault may pass: the row keeps the reason and is retried
            return "waiting", error_text(error)
        return "applied", None

    async def _record(self, letter_id: int, state: str, reason: str | None, tries: int) -> None:
        now = self._clock()
        # Two tries at once, or a discard during one: an event that took effect is applied whatever the other says.
        open_states = ["waiting", "poison", "discarded"] if state == "applied" else ["waiting"]
        async with self._db.transaction() as tx:
            await tx.execute(
                update(dead_letter)
                .where(dead_letter.c.id == letter_id, dead_letter.c.state.in_(open_states))
                .values(
                    state=state,
                    reason=reason,
                    due_at=now + BACKOFF.pause(tries),
                    ended_at=None if state == "waiting" else now,
                    **RELEASED,
                )
            )


def _as_published(delivered: bytes) -> bytes:
    """The message as it lies in the topic: with `rawPayload` the sidecar wraps it in an envelope of its own, in base64."""
    try:
        envelope = json.loads(delivered)
        if envelope["type"] == "com.dapr.event.sent":
            return base64.b64decode(envelope["data_base64"], validate=True)
    except (*UNREADABLE, KeyError, TypeError):
        pass
    return delivered
