"""Queries of the overview. Read only: opens no transaction, locks nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from payment.models import ThirdPayment
from servicekit.paging import newest_first

UNFINISHED = """
with open_row (subject, state, fen, since) as (
  select 'payment', 'waiting', total_fen, created_at from third_payment where pay_status = 0
  union all
  select 'refund', state, refund_fen, created_at from refund where state in ('requested', 'accepted', 'abnormal')
  union all
  select 'notice', state, total_fen, created_at from provider_notice where state = 'needs_review'
  union all
  select 'difference', outcome, null, found_at from reconciliation_difference where outcome = 'open'
)
select subject, state, count(*), coalesce(sum(fen), 0)::bigint, min(since),
  count(*) filter (where since <= :ten_minutes), count(*) filter (where since <= :hour),
  count(*) filter (where since <= :day)
from open_row group by subject, state
"""
PAID = """
select date_bin(cast(:step as interval), p.pay_time, cast(:since as timestamptz)) as at, count(*),
  sum(p.total_fen)::bigint,
  percentile_cont(array[0.5, 0.99]) within group
    (order by greatest(0, extract(epoch from t.created_at - p.pay_time))::float8)
from third_payment p join payment_transition t on t.payment_id = p.id and t.from_status in (-1, 0) and t.to_status = 1
where p.pay_time >= :since and p.pay_time < :until group by 1 order by 1
"""
FAILURES = """
select 'review', reason, count(*), max(created_at) from provider_notice
where created_at >= :since and created_at < :until group by reason
union all
select 'without_callback', t.source, count(*), max(t.created_at)
from third_payment p join payment_transition t on t.payment_id = p.id and t.from_status in (-1, 0) and t.to_status = 1
where p.pay_time >= :since and p.pay_time < :until and t.source <> 'callback' group by t.source
order by 3 desc, 1, 2
"""


@dataclass(frozen=True)
class Open:
    """What should end, of one subject and state: how many and for how long; `fen` is 0 where amounts mean nothing."""

    subject: str
    state: str
    count: int
    fen: int
    oldest_at: datetime | None
    over_ten_minutes: int
    over_hour: int
    over_day: int


@dataclass(frozen=True)
class PaidBucket:
    """Payments that WeChat says were paid in the step that begins at `at`, and how long it took until they were settled
    here: (median, 99th percentile) in seconds."""

    at: datetime
    count: int
    fen: int
    seconds: tuple[float, float]


@dataclass(frozen=True)
class Failures:
    """`kind` review: notices with the reason `cause`. `without_callback`: payments that no callback settled, `cause` is
    what did."""

    kind: str
    cause: str
    count: int
    last_at: datetime


async def payments(
    session: AsyncSession, *, below: int, size: int, status: int | None, until: datetime | None
) -> Sequence[ThirdPayment]:
    """Newest first; `until`: created by then."""
    query = newest_first(select(ThirdPayment), ThirdPayment.id, below=below, limit=size)
    if status is not None:
        query = query.where(ThirdPayment.pay_status == status)
    if until is not None:
        query = query.where(ThirdPayment.created_at <= until)
    return (await session.scalars(query)).all()


async def unfinished(session: AsyncSession, now: datetime) -> Sequence[Open]:
    """Without the states of which nothing is open."""
    ages = {"ten_minutes": timedelta(minutes=10), "hour": timedelta(hours=1), "day": timedelta(days=1)}
    rows = await session.execute(text(UNFINISHED), {name: now - age for name, age in ages.items()})
    return [Open(*row) for row in rows]


async def paid(session: AsyncSession, since: datetime, until: datetime, step: timedelta) -> Sequence[PaidBucket]:
    """Oldest first, without the steps in which nothing was paid."""
    rows = await session.execute(text(PAID), {"since": since, "until": until, "step": step})
    return [PaidBucket(at, count, fen, (p50, p99)) for at, count, fen, (p50, p99) in rows]


async def failures(session: AsyncSession, since: datetime, until: datetime) -> Sequence[Failures]:
    """The most frequent first."""
    rows: Any = await session.execute(text(FAILURES), {"since": since, "until": until})
    return [Failures(*row) for row in rows]
