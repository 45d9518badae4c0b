"""Audit log of operators: one row per action, written in the action's own transaction; rows are never changed.

Each row has the hash of the one before it (act_chain.py), so that a row that was changed or removed all the same is found.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    LargeBinary,
    RowMapping,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    event,
    insert,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit import act_chain, security_log
from servicekit.db import Transaction, after_commit, new_metadata
from servicekit.paging import newest_first

SECURITY_EVENTS: Mapping[str, security_log.Kind] = {
    "account-read": "personal_data_read",
    "orders-read": "personal_data_read",
    "personal-data-export": "personal_data_read",
    "personal-data-erase": "personal_data_erased",
}
"""Acts that are events of the security log as well, once they are committed."""
metadata = new_metadata()

operator_act = Table(
    "operator_act",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("operator_id", BigInteger, nullable=False),
    Column("act", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("note", Text),
    Column("acted_at", DateTime(timezone=True), nullable=False),
    # Both by a trigger of act_chain: the place in the chain, without gaps, and the SHA-256 of this row and the one before.
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("seq"),
)
Index("ix_operator_act_subject", operator_act.c.subject, operator_act.c.id)

operator_act_head = Table(
    "operator_act_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("id = 1", name="one"),
)
"""The end of the chain: `seq` and `hash` of the last row. Missing before the first act."""

for _statement in act_chain.CREATE:
    event.listen(operator_act, "after_create", act_chain.ddl(_statement))


async def record(
    tx: Transaction, now: datetime, operator_id: int, act: str, *subjects: str, note: str | None = None
) -> None:
    """Write the act down for each of `subjects`, such as `dead-letter:7`; `note` says why. Call it after all rows of the
    transaction are locked: until its end no other act of this service can be recorded. What concerns a
    person is in the security log too."""
    rows = [
        {"operator_id": operator_id, "act": act, "subject": subject, "note": note, "acted_at": now}
        for subject in subjects
    ]
    if rows:
        await tx.execute(insert(operator_act), rows)
    if kind := SECURITY_EVENTS.get(act):
        for subject in subjects:
            after_commit(tx, partial(security_log.event, kind, operator_id=operator_id, act=act, subject=subject))


async def newest(session: AsyncSession, *, last_id: int, limit: int) -> Sequence[RowMapping]:
    query = newest_first(select(operator_act), operator_act.c.id, below=last_id, limit=limit)
    return (await session.execute(query)).mappings().all()


async def of_subjects(session: AsyncSession, subjects: Sequence[str]) -> Sequence[RowMapping]:
    """Oldest first."""
    query = select(operator_act).where(operator_act.c.subject.in_(subjects)).order_by(operator_act.c.id)
    return (await session.execute(query)).mappings().all()
