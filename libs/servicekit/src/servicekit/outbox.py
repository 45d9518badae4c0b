"""Events leave by a table: the row is written in the effect's transaction, the relay publishes it afterwards.

Nothing is published that did not happen, and nothing that happened stays unpublished, whatever dies when.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, Table, Text, func, insert
from sqlalchemy.dialects.postgresql import JSONB

from servicekit.db import Transaction, mark_outbox, new_metadata
from servicekit.telemetry import current_traceparent

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
Index("ix_outbox_published_at", outbox.c.published_at, postgresql_where=outbox.c.published_at.is_not(None))


@dataclass(frozen=True)
class OutgoingEvent:
    """A fact for others. `key` orders it: events of one key arrive in the order of their commits."""

    topic: str
    key: str
    type: str
    source: str
    subject: str
    data: dict[str, Any]
    occurred_at: datetime


async def publish_later(tx: Transaction, event: OutgoingEvent) -> str:
    """Put the event's CloudEvent (1.0, structured JSON) into the outbox of this transaction; answers its id."""
    event_id = str(uuid4())
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": event_id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": event.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": event.data,
    }
    if traceparent := current_traceparent():
        envelope["traceparent"] = traceparent
    json.dumps(envelope)  # a value that is no JSON must fail here, in the transaction, not in the relay
    await tx.execute(
        insert(outbox).values(event_id=event_id, topic=event.topic, partition_key=event.key, event=envelope)
    )
    mark_outbox(tx)
    return event_id
