"""Each event takes effect once: its id is written in the effect's own transaction, and a second one finds it there."""

from collections.abc import Sequence

from sqlalchemy import Column, DateTime, Index, Table, Text, delete, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert

from servicekit.arrays import ArrayTransaction, fetch
from servicekit.db import Database, Transaction, new_metadata
from servicekit.events import CloudEvent

metadata = new_metadata()
SLICE = 5000

inbox = Table(
    "inbox",
    metadata,
    Column("source", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
Index("ix_inbox_received_at", inbox.c.received_at)


async def first_time(tx: Transaction, event: CloudEvent) -> bool:
    """Record `(source, id)`; False when it was there already: the caller then does nothing and reports success.

    Two deliveries at the same moment meet on the primary key: the second waits for the first one's commit.
    """
    statement = insert(inbox).values(source=event.source, event_id=event.id).on_conflict_do_nothing()
    return bool((await tx.execute(statement.returning(inbox.c.event_id))).first())


_KNOWN = (
    "select i.source, i.event_id from inbox i join unnest($1::text[], $2::text[]) as e(source, event_id)"
    " on i.source = e.source and i.event_id = e.event_id"
)
_RECORD = "insert into inbox (source, event_id) select * from unnest($1::text[], $2::text[])"


async def known(tx: Transaction | ArrayTransaction, events: Sequence[CloudEvent]) -> set[tuple[str, str]]:
    """Those of `events` that were recorded before, as (source, id)."""
    return {(source, event_id) for source, event_id in await fetch(tx, _KNOWN, *_columns(events))}


async def record(tx: Transaction | ArrayTransaction, events: Sequence[CloudEvent]) -> None:
    """Record events that are not known. Raises IntegrityError, or one of REFUSED_VALUES, where
    another transaction recorded one meanwhile."""
    await fetch(tx, _RECORD, *_columns(events))


def _columns(events: Sequence[CloudEvent]) -> tuple[list[str], list[str]]:
    return [event.source for event in events], [event.id for event in events]


async def prune(db: Database, *, keep_days: int = 30) -> int:
    """Delete what is older than any redelivery can be (Kafka's retention is 7 days), a slice per transaction. Returns
    the number of rows."""
    key = tuple_(inbox.c.source, inbox.c.event_id)
    old = (
        select(inbox.c.source, inbox.c.event_id)
        .where(inbox.c.received_at < func.now() - text(f"interval '{keep_days} days'"))
        .limit(SLICE)
    )
    gone = 0
    while True:
        async with db.transaction() as tx:
            some = len((await tx.execute(delete(inbox).where(key.in_(old)).returning(inbox.c.event_id))).all())
        gone += some
        if some < SLICE:
            return gone
