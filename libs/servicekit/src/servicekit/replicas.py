"""The replicas of a service: one row for each, with what it has last done, written by itself every 15 seconds.

For operators alone; nothing is decided by it. The row of one that is gone stays for some days: a daily job's last tick may
be in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter
from sqlalchemy import Column, DateTime, Table, Text, delete, select
from sqlalchemy.dialects.postgresql import JSONB, insert

from servicekit.activity import Activity, Publication, Reception, Tick
from servicekit.clock import Clock
from servicekit.db import Database, new_metadata

KEEP = timedelta(days=8)
metadata = new_metadata()

replica = Table(
    "replica",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
    Column("ticks", JSONB, nullable=False),
    Column("received", JSONB, nullable=False),
    Column("published", JSONB, nullable=False),
)

_TICKS = TypeAdapter(dict[str, Tick])
_RECEIVED = TypeAdapter(dict[str, Reception])
_PUBLISHED = TypeAdapter(dict[str, Publication])


@dataclass(frozen=True, kw_only=True)
class Replica:
    """`seen_at`: when it last wrote its row. `ticks` by job; `received` and `published` by topic."""

    name: str
    version: str
    started_at: datetime
    seen_at: datetime
    ticks: Mapping[str, Tick]
    received: Mapping[str, Reception]
    published: Mapping[str, Publication]


class Replicas:
    """Of one service; `own` is this process."""

    def __init__(self, db: Database, clock: Clock, own: Activity) -> None:
        self._db, self._clock, self._own = db, clock, own

    async def write(self) -> None:
        """Write the own row. Of what it did before a restart, the ticks and topics that it has not had since stay."""
        own = self._own
        row = insert(replica).values(
            name=own.name,
            version=own.version,
            started_at=own.started_at,
            seen_at=self._clock(),
            ticks=_TICKS.dump_python(own.ticks, mode="json"),
            received=_RECEIVED.dump_python(own.received, mode="json"),
            published=_PUBLISHED.dump_python(own.published, mode="json"),
        )
        new = row.excluded
        merged = {name: replica.c[name].concat(new[name]) for name in ("ticks", "received", "published")}
        replaced = {name: new[name] for name in ("version", "started_at", "seen_at")}
        async with self._db.transaction() as tx:
            await tx.execute(row.on_conflict_do_update(index_elements=[replica.c.name], set_=replaced | merged))

    async def all(self) -> list[Replica]:
        """The one that wrote last first."""
        async with self._db.read() as session:
            rows = (
                await session.execute(select(replica).order_by(replica.c.seen_at.desc(), replica.c.name))
            ).mappings()
            return [
                Replica(
                    name=row["name"],
                    version=row["version"],
                    started_at=row["started_at"],
                    seen_at=row["seen_at"],
                    ticks=_TICKS.validate_python(row["ticks"]),
                    received=_RECEIVED.validate_python(row["received"]),
                    published=_PUBLISHED.validate_python(row["published"]),
                )
                for row in rows.all()
            ]

    async def forget(self) -> None:
        """Delete the rows of those that have not written for eight days."""
        async with self._db.transaction() as tx:
            await tx.execute(delete(replica).where(replica.c.seen_at < self._clock() - KEEP))
