"""Transactional outbox: the row is written in the effect's transaction, the relay publishes it afterwards.

Nothing is published that did not happen, and nothing that happened stays unpublished, whatever dies when.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from pydantic import TypeAdapter
from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, Table, Text, func
from sqlalchemy.dialects.postgresql import JSONB

from servicekit import arrays
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


def insertion(first: int = 1) -> str:
    """The statement that writes `columns_of` events, given as the parameters from `$first` on, in their order."""
    given = ", ".join(f"${first + place}::text[]" for place in range(len(OutboxRow._fields)))
    return (
        "insert into outbox (event_id, topic, partition_key, event)"  # noqa: S608 - numbers of parameters
        f" select event_id, topic, partition_key, cast(event as jsonb) from unnest({given})"
        " with ordinality as e(event_id, topic, partition_key, event, place) order by place"
    )


_INSERT = insertion()


async def publish_later(tx: Transaction | ArrayTransaction, *events: OutgoingEvent) -> None:
    """Put the events' CloudEvents (1.0, structured JSON) into the outbox of this transaction, in this order, with one
    statement. Raises ValueError for a value that is no JSON."""
    if not events:
        return
    await fetch(tx, _INSERT, *columns_of(events))
    mark_outbox(tx)


def columns_of(events: Sequence[OutgoingEvent]) -> list[arrays.Column]:
    """The rows of at least one event as an array for each column: for a statement of a service's own that writes events
    together with their effect (`insertion`); it calls `mark_outbox` afterwards. Raises ValueError for a value that is no
    JSON."""
    return arrays.columns([_row_of(event) for event in events])


def _row_of(event: OutgoingEvent) -> OutboxRow:
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
