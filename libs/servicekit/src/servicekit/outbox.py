"""Transactional outbox: the row is written in the effect's transaction, the relay publishes it afterwards.

Nothing is published that did not happen, and nothing that happened stays unpublished, whatever dies when.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from pydantic import TypeAdapter
from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB

from servicekit.arrays import ArrayTransaction, fetch
from servicekit.clock import utc_text
from servicekit.db import Transaction, mark_outbox, new_metadata
from servicekit.telemetry import traces

metadata = new_metadata()

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("event_id", Text, nullable=False, unique=True),
    Column("topic", Text, nullable=False),
    Column("partition_key", Text, nullable=False),
    Column("event", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_error", Text),
    Column("published_at", DateTime(timezone=True)),
)
Index("ix_outbox_unpublished", outbox.c.id, postgresql_where=outbox.c.published_at.is_(None))
Index("ix_outbox_partition_key", outbox.c.partition_key)
Index("ix_outbox_published_at", outbox.c.published_at, postgresql_where=outbox.c.published_at.is_not(None))


_INSERT = (
    "insert into outbox (event_id, topic, partition_key, event)"
    " select event_id, topic, partition_key, cast(event as jsonb)"
    " from unnest($1::text[], $2::text[], $3::text[], $4::text[])"
    " with ordinality as e(event_id, topic, partition_key, event, place) order by place"
)
_ENVELOPE = TypeAdapter(dict[str, Any])


@dataclass(frozen=True)
class OutgoingEvent:
    """A fact for others. `key` orders it: events of one key arrive in the order of their commits. `trace` is what it
    belongs to; None: the current one."""

    topic: str
    key: str
    type: str
    source: str
    subject: str
    data: dict[str, Any]
    occurred_at: datetime
    trace: traces.TraceContext | None = None


class OutboxRow(NamedTuple):
    """The columns of a new row of `outbox`; `event` is the CloudEvent as JSON text."""

    event_id: str
    topic: str
    partition_key: str
    event: str


async def publish_later(tx: Transaction | ArrayTransaction, *events: OutgoingEvent) -> None:
    """Put the events' CloudEvents (1.0, structured JSON) into the outbox of this transaction, in this order, with one
    statement. Raises ValueError for a value that is no JSON."""
    if not events:
        return
    rows = [row_of(event) for event in events]
    await fetch(tx, _INSERT, *([row[column] for row in rows] for column in range(len(OutboxRow._fields))))
    mark_outbox(tx)


def row_of(event: OutgoingEvent) -> OutboxRow:
    """For a statement of a service's own that writes an event together with its effect; it calls `mark_outbox` afterwards.
    Raises ValueError for a value that is no JSON."""
    envelope = _envelope(event)
    return OutboxRow(envelope["id"], event.topic, event.key, _ENVELOPE.dump_json(envelope).decode())


def _envelope(event: OutgoingEvent) -> dict[str, Any]:
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": utc_text(event.occurred_at),
        "datacontenttype": "application/json",
        "data": event.data,
    }
    trace = traces.current() if event.trace is None else event.trace
    if trace.traceparent:
        # daprd writes its own traceparent over that of an event which has no `traceid`, Dapr's older name for it.
        envelope["traceparent"] = envelope["traceid"] = trace.traceparent
    if trace.tracestate:
        envelope["tracestate"] = trace.tracestate
    return envelope
