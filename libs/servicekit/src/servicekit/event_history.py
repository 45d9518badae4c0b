"""Events of one key as a service published them, and as it took those of others: for operators who follow a payment."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, select, tuple_

from servicekit.db import Database
from servicekit.deadletters import dead_letter
from servicekit.inbox import inbox
from servicekit.outbox import outbox

MOST = 100
"""Events of one key that are shown, oldest first: an order has about ten."""


@dataclass(kw_only=True, eq=False)
class EventHistory:
    """`keep_days`: how long the outbox keeps an event that was published."""

    db: Database
    keep_days: int

    async def published(self, key: str) -> Sequence[RowMapping]:
        """Rows of the outbox, published or waiting, oldest first. Published ones are deleted after `keep_days`."""
        query = select(outbox).where(outbox.c.partition_key == key).order_by(outbox.c.id).limit(MOST)
        async with self.db.read() as session:
            return (await session.execute(query)).mappings().all()

    async def received(self, events: Sequence[tuple[str, str]]) -> tuple[Sequence[RowMapping], Sequence[RowMapping]]:
        """Of these (source, event id): those that took effect here, and those that are or were dead letters here."""
        effects = select(inbox).where(tuple_(inbox.c.source, inbox.c.event_id).in_(events))
        letters = select(dead_letter).where(tuple_(dead_letter.c.source, dead_letter.c.event_id).in_(events))
        async with self.db.read() as session:
            return (await session.execute(effects)).mappings().all(), (await session.execute(letters)).mappings().all()
