"""Queries of the read model of taken nights. Functions use the caller's transaction and never end it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, func, select, text, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit import due
from servicekit.arrays import ArrayTransaction, fetch
from servicekit.db import Transaction
from travel.models import HomestayNight, NightComparison, NightTaken

FIRST = (0, date(2000, 1, 1))
"""Before every homestay and night."""

# In the order of the key: two transactions that write the same nights wait for one another and never deadlock.
_KEEP_NEWER = """
insert into homestay_night as held (homestay_id, night, taken, stock, version)
select distinct on (homestay_id, night) homestay_id, night, taken, stock, version
  from unnest($1::bigint[], $2::date[], $3::int[], $4::int[], $5::int[]) as v (homestay_id, night, taken, stock, version)
 order by homestay_id, night, version desc
on conflict (homestay_id, night) do update
   set taken = excluded.taken, stock = excluded.stock, version = excluded.version
 where excluded.version > held.version
    or (excluded.version = held.version and (excluded.taken, excluded.stock) <> (held.taken, held.stock))
"""
_BEHIND = """
select v.homestay_id, v.night, v.taken, v.stock, v.version
  from unnest($1::bigint[], $2::date[], $3::int[], $4::int[], $5::int[]) as v (homestay_id, night, taken, stock, version)
  left join homestay_night held on held.homestay_id = v.homestay_id and held.night = v.night
 where held.version is null or held.version < v.version
    or (held.version = v.version and (held.taken, held.stock) <> (v.taken, v.stock))
"""


async def keep_newer(tx: Transaction | ArrayTransaction, nights: Sequence[NightTaken]) -> None:
    """Write those that are newer than what is kept, or say something else under the same version."""
    await fetch(tx, _KEEP_NEWER, *_columns(nights))


async def behind(session: AsyncSession, nights: Sequence[NightTaken]) -> list[NightTaken]:
    """Those of `nights` that `keep_newer` would write."""
    return [NightTaken(*row) for row in await fetch(session, _BEHIND, *_columns(nights))]


async def forget_before(tx: Transaction, night: date) -> None:
    await tx.execute(delete(HomestayNight).where(HomestayNight.night < night))


async def mark_all(tx: Transaction, mark: int) -> None:
    """Every night that order tells is newer than these from now on. `mark`: a version below 1, which order has not; one of
    its own for each run, so that of two at once neither forgets what the other has yet to read."""
    await _alone(tx)
    await tx.execute(update(HomestayNight).values(version=mark))


async def forget_marked(tx: Transaction, mark: int) -> None:
    await _alone(tx)
    await tx.execute(delete(HomestayNight).where(HomestayNight.version == mark))


async def _alone(tx: Transaction) -> None:
    """No other writer until the commit: rows are not reached in the order of the key here. Readers go on."""
    await tx.execute(text("lock table homestay_night in share row exclusive mode"))


async def taken(session: AsyncSession, homestay_id: int, start: date, end: date) -> dict[date, int]:
    """How many units of the nights with start ≤ night < end are taken; nights that never were are left out."""
    rows = await session.execute(
        select(HomestayNight.night, HomestayNight.taken).where(
            HomestayNight.homestay_id == homestay_id, HomestayNight.night >= start, HomestayNight.night < end
        )
    )
    return {row.night: row.taken for row in rows}


def _columns(nights: Sequence[NightTaken]) -> list[list[object]]:
    return [[each[column] for each in nights] for column in range(len(NightTaken._fields))]


@dataclass(frozen=True)
class Progress:
    """A comparison under way: what is compared already, up to and with the homestay and night `after`. `is_first`: none has
    ended yet."""

    after: tuple[int, date]
    repaired: int
    tries: int
    is_first: bool
    is_at_end: bool = False


async def claim_comparison(tx: Transaction, now: datetime, lease: timedelta) -> Progress | None:
    """None when it is not due, or another replica has it. The first call makes the row."""
    await tx.execute(insert(NightComparison).values(id=1, due_at=now).on_conflict_do_nothing())
    c = NightComparison.__table__.c
    columns = (c.after_homestay_id, c.after_night, c.repaired, c.tries, c.ended_at)
    rows = await due.claim(tx, NightComparison.__table__, *columns, is_open=true(), now=now, lease=lease, limit=1)
    for row in rows:
        after = (row["after_homestay_id"], row["after_night"])
        return Progress(after, row["repaired"], row["tries"], is_first=row["ended_at"] is None)
    return None


async def postpone_comparison(tx: Transaction, until: datetime) -> None:
    await tx.execute(update(NightComparison).values(due_at=until, **due.RELEASED))


async def continue_comparison(tx: Transaction, reached: Progress, now: datetime) -> None:
    homestay_id, night = reached.after
    reached_values = {"after_homestay_id": homestay_id, "after_night": night, "repaired": reached.repaired}
    await tx.execute(update(NightComparison).values(due_at=now, tries=0, **reached_values, **due.RELEASED))


async def end_comparison(tx: Transaction, now: datetime, due_at: datetime) -> None:
    homestay_id, night = FIRST
    fresh = {"after_homestay_id": homestay_id, "after_night": night, "repaired": 0, "tries": 0}
    await tx.execute(update(NightComparison).values(ended_at=now, due_at=due_at, **fresh, **due.RELEASED))


def newest_comparison() -> Select[Any]:
    """When the newest comparison ended."""
    return select(func.max(NightComparison.ended_at))
