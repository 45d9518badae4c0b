"""Leased work: rows that are worked on when they are due, by one replica at a time. The domain row is the queue.

A claim leases rows for a bounded time and counts the try. The holder releases a row with the time of its next try; after
a crash the lease runs out and the row is due again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy import ColumnElement, FromClause, Index, RowMapping, TextClause, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from servicekit.db import Transaction
from servicekit.errors import Unavailable

log = structlog.get_logger()
T = TypeVar("T")
RELEASED: Final = {"leased_until": None}
"""Values of a row that is not being worked on any more."""


class Leased:
    """Mixin of a table whose rows are leased work. `tries` counts claims (of the current round, where rounds exist)."""

    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")

    @property
    def next_claim_at(self) -> datetime:
        return next_claim_at(self.due_at, self.leased_until)

    def lease(self, now: datetime, lease: timedelta) -> int:
        """Lease this row, which the caller has locked, whether it is due or not. Returns the number of the try."""
        self.due_at, self.leased_until = now, now + lease
        self.tries += 1
        return self.tries

    def release(self, due_at: datetime) -> None:
        """End the lease of this row, which the caller has locked: it can be claimed from `due_at` on."""
        self.due_at, self.leased_until = due_at, None


def next_claim_at(due_at: datetime, leased_until: datetime | None) -> datetime:
    """When a row can be claimed next: it is due then, and no lease of before holds it."""
    return max(due_at, leased_until or due_at)


def due_index(table: str, *more: str, is_open: TextClause) -> Index:
    """The partial index that `claim` reads: due times of the rows that are still open. `more`: further columns, such as
    `id` where many rows are due at the same moment."""
    return Index(f"ix_{table}_due", "due_at", *more, postgresql_where=is_open)


async def claim(
    tx: Transaction,
    table: FromClause,
    *columns: ColumnElement[Any],
    is_open: ColumnElement[bool],
    now: datetime,
    lease: timedelta,
    limit: int,
    order_by: Sequence[ColumnElement[Any]] = (),
    values: Mapping[str, Any] | None = None,
    count_try: bool = True,
) -> list[RowMapping]:
    """Lease at most `limit` open rows that are due; concurrent claims get other rows. Returns `columns` and
    `id` of each, in the order of their ids.

    `order_by` says which go first (by default those that have been due for longest); `values` are further changes of
    the claimed rows. `count_try` False: the caller counts in `tries` what it begins, and not what it claims.
    """
    c = table.c
    due = (
        select(c.id)
        .where(is_open, c.due_at <= now, or_(c.leased_until.is_(None), c.leased_until <= now))
        .order_by(*(order_by or (c.due_at, c.id)))
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")  # locked once and for all: a plain subquery may be run again for each row
    )
    taken = (
        update(table)  # type: ignore[arg-type]  # a Table, which is what every mapped class here stands on
        .where(c.id.in_(select(due.c.id)))
        .values({"leased_until": now + lease, "tries": c.tries + int(count_try), **(values or {})})
        .returning(c.id, *columns)
    )
    rows = (await tx.execute(taken)).mappings().all()
    return sorted(rows, key=lambda row: int(row["id"]))


async def side_by_side(items: Iterable[T], work: Callable[[T], Awaitable[object]], *, at_once: int, what: str) -> None:
    """Do `work` on each item, at most `at_once` at a time. One item's fault is logged and does not stop the others: its
    lease runs out and it is claimed again. `what` names the work in the log."""
    gate = asyncio.Semaphore(at_once)

    async def one(item: T) -> None:
        async with gate:
            try:
                await work(item)
            except Unavailable as error:
                log.warning("work is retried when its lease ends", work=what, item=str(item), reason=str(error))
            except Exception:
                log.exception("work failed", work=what, item=str(item))

    await asyncio.gather(*(one(item) for item in items))


@dataclass(frozen=True)
class Backoff:
    """Pauses between two tries: they double from `first` to `longest`. `jitter` moves each by that share either way, so
    that what failed together does not come back together."""

    first: timedelta
    longest: timedelta
    jitter: float = 0.0

    def pause(self, tries: int, chance: float | None = None) -> timedelta:
        """The pause after failure number `tries` (from 1). `chance` in [0, 1) replaces the random number."""
        doubled = min(self.longest, self.first * (1 << min(max(tries, 1) - 1, 30)))
        return _spread(doubled, self.jitter, chance)


@dataclass(frozen=True)
class Schedule:
    """Pauses between two tries from a list, the last one repeated."""

    pauses: tuple[timedelta, ...]
    jitter: float = 0.0

    @classmethod
    def of_seconds(cls, *seconds: float, jitter: float = 0.0) -> "Schedule":
        return cls(tuple(timedelta(seconds=each) for each in seconds), jitter)

    def __len__(self) -> int:
        return len(self.pauses)

    def pause(self, tries: int, chance: float | None = None) -> timedelta:
        """The pause after failure number `tries` (from 1). `chance` in [0, 1) replaces the random number."""
        return _spread(self.pauses[min(max(tries, 1), len(self.pauses)) - 1], self.jitter, chance)


def _spread(pause: timedelta, jitter: float, chance: float | None) -> timedelta:
    if not jitter:
        return pause
    return pause * (1 - jitter + 2 * jitter * (random.random() if chance is None else chance))  # noqa: S311 - no secret
