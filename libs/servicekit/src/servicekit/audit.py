"""Operators' use-case on the audit log: what was done, and whether the log is as it was written."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import structlog
from prometheus_client import Gauge
from sqlalchemy import RowMapping, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit import acts
from servicekit.act_chain import BEGINNING, digest
from servicekit.acts import operator_act, operator_act_head
from servicekit.db import Database

log = structlog.get_logger()
AT_ONCE = 20_000
"""Most rows that one request verifies: about half a second."""
_SLICE = 2000
INTACT = Gauge("audit_chain_intact", "1 if every operator's act is as it was written, 0 if one was changed or removed")
INTACT.set(math.nan)  # until it is verified, and where there is no log: 0 would wake an operator


class Flaw(StrEnum):
    MISSING = "missing"
    CHANGED = "changed"
    """The row, the one before it, or their order."""
    HEAD = "head"
    """The log goes on after its recorded end, or ends with another hash."""
    EXPORT = "export"
    """The chain holds, but the row is missing or not the one whose hash was exported before: the chain was made anew."""


@dataclass(frozen=True)
class Link:
    """A place in the chain: 0 and BEGINNING before the first act."""

    seq: int = 0
    hash: bytes = BEGINNING


@dataclass(frozen=True, kw_only=True)
class Verification:
    """Rows up to and including `verified` are as they were written. `broken`: the `seq` of the first that is not, and
    `flaw` how. `complete`: all rows were looked at, or one is broken; else go on after `verified`."""

    head: Link
    verified: Link
    complete: bool
    broken: int | None = None
    flaw: Flaw | None = None


@dataclass(kw_only=True, eq=False)
class Audit:
    """Of one service, on its own table."""

    db: Database

    async def page(self, *, last_id: int, limit: int) -> Sequence[RowMapping]:
        """Acts, newest first."""
        async with self.db.read() as session:
            return await acts.newest(session, last_id=last_id, limit=limit)

    async def verify(self, *, after: int = 0, exported: Link | None = None, limit: int = AT_ONCE) -> Verification:
        """Verify at most `limit` rows after the one with seq `after`, which counts as verified. `exported` is a head of
        before: the row with its seq must have its hash."""
        async with self.db.transaction() as tx:
            await tx.execute(text("set transaction isolation level repeatable read, read only"))
            head = await _head(tx)
            verified = await _link(tx, after)
            if verified is None:
                return Verification(head=head, verified=Link(), complete=True, broken=after, flaw=Flaw.MISSING)
            left = limit
            while left > 0:
                rows = await _rows(tx, verified.seq, min(left, _SLICE))
                for row in rows:
                    if flaw := _flaw(verified, row):
                        return _broken(head, verified, verified.seq + 1, flaw)
                    verified = Link(row["seq"], row["hash"])
                if len(rows) < min(left, _SLICE):
                    return await _ended(tx, head, verified, exported)
                left -= len(rows)
        return Verification(head=head, verified=verified, complete=False)

    async def watch(self) -> None:
        """Verify all rows and set the gauge; a broken row is logged."""
        found = await self.verify()
        while not found.complete:
            found = await self.verify(after=found.verified.seq)
        INTACT.set(found.broken is None)
        if found.broken is not None:
            log.error("the audit log is broken", seq=found.broken, flaw=found.flaw)


def _flaw(before: Link, row: RowMapping) -> Flaw | None:
    if row["seq"] != before.seq + 1:
        return Flaw.MISSING
    return None if row["hash"] == digest(before.hash, row) else Flaw.CHANGED


async def _ended(tx: AsyncSession, head: Link, last: Link, exported: Link | None) -> Verification:
    """`last` is the last row there is."""
    if head.seq > last.seq:
        return _broken(head, last, last.seq + 1, Flaw.MISSING)
    if head != last:
        return _broken(head, last, last.seq, Flaw.HEAD)
    if exported and await _link(tx, exported.seq) != exported:
        return _broken(head, last, exported.seq, Flaw.EXPORT)
    return Verification(head=head, verified=last, complete=True)


def _broken(head: Link, verified: Link, seq: int, flaw: Flaw) -> Verification:
    return Verification(head=head, verified=verified, complete=True, broken=seq, flaw=flaw)


async def _head(tx: AsyncSession) -> Link:
    row = (await tx.execute(select(operator_act_head.c.seq, operator_act_head.c.hash))).one_or_none()
    return Link(*row) if row else Link()


async def _link(tx: AsyncSession, seq: int) -> Link | None:
    """None if there is no such row."""
    if seq == 0:
        return Link()
    query = select(operator_act.c.seq, operator_act.c.hash).where(operator_act.c.seq == seq)
    row = (await tx.execute(query)).one_or_none()
    return Link(*row) if row else None


async def _rows(tx: AsyncSession, after: int, limit: int) -> Sequence[RowMapping]:
    query = select(operator_act).where(operator_act.c.seq > after).order_by(operator_act.c.seq).limit(limit)
    return (await tx.execute(query)).mappings().all()
