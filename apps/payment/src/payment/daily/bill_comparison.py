"""Compares a bill with the ledger: copies its lines into a temporary table and finds the differences there by joins.

Memory is bounded by a batch of lines in this process and by work_mem in PostgreSQL, however long the bill. The temporary
table ends with the session, so a run that crashes leaves nothing behind.
"""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from payment.ledger.reviews import Reason
from payment.merchant import Merchant
from payment.wechat.trade_bill import TradeLine, Unreadable
from servicekit.clock import SHANGHAI
from servicekit.db import Database

BATCH = 5000
STATEMENT_TIMEOUT_SECONDS = 900.0
"""For one statement over the whole bill."""
LOCK_CLASS = 7_301_010
ALL_DAYS = 0
"""Lock key (no day has this ordinal) held while differences are written: two days must see each other's."""
OUR_NUMBER = re.compile(r"PMT[0-9]{22}")
COLUMNS = (
    "ours",
    "refund",
    "number",
    "out_trade_no",
    "transaction_id",
    "refund_id",
    "appid",
    "mchid",
    "state",
    "fen",
    "fee_yuan",
    "at",
)
STAGE = """
create temp table bill_line (
  ours boolean not null, refund boolean not null, number text not null, out_trade_no text not null,
  transaction_id text not null, refund_id text not null, appid text not null, mchid text not null, state text not null,
  fen bigint not null, fee_yuan numeric not null, at timestamptz not null
);
create temp table bill_unreadable (key text not null, why text not null, line text not null);
create temp table bill_found_after_all (refund boolean not null, number text not null)
"""
ADOPT = """
update bill_line b set ours = true
where not ours and (exists (select from third_payment p where p.sn = b.out_trade_no)
  or (b.refund and exists (select from refund r where r.sn = b.number)))
"""
"""A number of the ledger is ours whatever app its line names, and so is a refund of a payment of ours."""
LINE = """jsonb_build_object('transaction_id', b.transaction_id, 'refund_id', b.refund_id, 'appid', b.appid,
  'mchid', b.mchid, 'at', b.at)"""
INTO = """insert into reconciliation_difference (bill_date, kind, subject, number, payment_sn, ours_state, theirs_state,
  ours_fen, theirs_fen, line, outcome, found_at)"""
PAYMENT_STATE = "(array['closed', 'waiting', 'paid', 'refunded'])[p.pay_status + 2]"
UNREADABLE = f"""
{INTO}
select $1, 'unreadable', 'line', u.key, '', null, null, null, null,
  jsonb_build_object('why', u.why, 'text', left(u.line, 500)), 'open', $2
from bill_unreadable u
order by u.key
on conflict do nothing
"""  # noqa: S608 - made of constants of this module
PAYMENTS = f"""
{INTO}
select $1, case when p.id is null then 'missing_here' when p.total_fen <> b.fen then 'amount' else 'state' end, 'payment',
  b.number, b.number, {PAYMENT_STATE}, b.state, p.total_fen, b.fen, {LINE}, 'open', $2
from bill_line b left join third_payment p on p.sn = b.number
where b.ours and not b.refund and (p.id is null or p.total_fen <> b.fen or p.pay_status not in (1, 2)
  or b.state <> 'SUCCESS' or p.transaction_id is distinct from b.transaction_id)
order by b.number
on conflict do nothing
"""  # noqa: S608 - made of constants of this module
REFUNDS = f"""
{INTO}
select $1, case when r.id is null then 'missing_here' when r.refund_fen <> b.fen then 'amount' else 'state' end, 'refund',
  b.number, b.out_trade_no, r.state, b.state, r.refund_fen, b.fen,
  {LINE} || jsonb_build_object('our_payment', r.payment_sn), 'open', $2
from bill_line b left join refund r on r.sn = b.number
where b.ours and b.refund and (r.id is null or r.refund_fen <> b.fen or r.payment_sn <> b.out_trade_no
  or coalesce(r.refund_id, b.refund_id) <> b.refund_id
  or case b.state when 'SUCCESS' then r.state <> 'succeeded'
    when 'PROCESSING' then r.state = 'requested' or (r.state = 'closed' and r.refund_id is null)
    when 'CHANGE' then r.state in ('requested', 'accepted') when 'FAIL' then r.state <> 'closed' else true end)
order by b.number
on conflict do nothing
"""  # noqa: S608 - made of constants of this module
PAYMENTS_FOUND = """
update third_payment p set billed_on = $1 from bill_line b
where not b.refund and p.sn = b.number and p.billed_on is null and (p.pay_time < $2 or p.pay_time >= $3)
"""
"""Payments of other days only: their own day's comparison must not report them as missing."""
REFUNDS_FOUND = """
update refund r set billed_on = $1 from bill_line b where b.refund and r.sn = b.number and r.billed_on is null
  and ($2 or (coalesce(r.success_time, r.sent_at) >= $3 and coalesce(r.success_time, r.sent_at) < $4))
"""
PAYMENTS_NOT_THERE = f"""
{INTO}
with missing as materialized (
  select * from third_payment p
  where p.pay_time >= $3 and p.pay_time < $4 and p.pay_status in (1, 2) and p.billed_on is null
    and not exists (select from bill_line b where not b.refund and b.number = p.sn)
)
select $1, 'missing_there', 'payment', p.sn, p.sn, {PAYMENT_STATE}, null, p.total_fen, null, null, 'open', $2
from missing p
where not exists (select from bill_unreadable u where strpos(u.line, p.sn) > 0)
order by p.sn
on conflict do nothing
"""  # noqa: S608 - made of constants of this module
"""A number that appears in an unreadable line is not reported as missing. Few payments are missing, so few are searched."""
REFUNDS_NOT_THERE = f"""
{INTO}
with missing as materialized (
  select * from refund r
  where r.billed_on is null and r.state in ('accepted', 'succeeded', 'abnormal')
    and coalesce(r.success_time, r.sent_at) >= $3 and coalesce(r.success_time, r.sent_at) < $4
)
select $1, 'missing_there', 'refund', r.sn, r.payment_sn, r.state, null, r.refund_fen, null, null, 'open', $2
from missing r
where not exists (select from bill_unreadable u where strpos(u.line, r.sn) > 0)
order by r.sn
on conflict do nothing
"""  # noqa: S608 - made of constants of this module
FOUND_AFTER_ALL = """
with found_later as (
  update reconciliation_difference d set outcome = 'mended', ended_at = $1 from bill_line b
  where d.kind = 'missing_there' and d.outcome <> 'mended' and d.number = b.number and (d.subject = 'refund') = b.refund
  returning b.refund, d.number
)
insert into bill_found_after_all select refund, number from found_later
"""
"""Differences that this bill resolves, whichever day was compared first."""
FOUND_NOTICES = f"""
update provider_notice n set state = 'resolved' from bill_found_after_all f
where n.reason = '{Reason.NOT_ON_BILL}' and f.number = case when f.refund then n.out_refund_no else n.out_trade_no end
  and f.refund = (n.out_refund_no is not null)
"""  # noqa: S608 - made of constants
"""A separate statement: it sees the notice of a repair that the previous one waited for."""
SUMS = """
select count(*) filter (where not refund) as payments,
  coalesce(sum(fen) filter (where not refund), 0)::bigint as payments_fen,
  count(*) filter (where refund) as refunds, coalesce(sum(fen) filter (where refund), 0)::bigint as refunds_fen,
  coalesce(sum(fee_yuan), 0) as fee_yuan,
  count(*) filter (where not ours and not refund) as not_ours_payments,
  coalesce(sum(fen) filter (where not ours and not refund), 0)::bigint as not_ours_payments_fen,
  count(*) filter (where not ours and refund) as not_ours_refunds,
  coalesce(sum(fen) filter (where not ours and refund), 0)::bigint as not_ours_refunds_fen,
  coalesce(sum(fee_yuan) filter (where not ours), 0) as not_ours_fee_yuan,
  count(*) filter (where not refund and (at < $1 or at >= $2)) as of_other_days,
  (select count(*) from bill_unreadable) as unreadable from bill_line
"""


class AnotherDaysBill(Exception):
    """Most payments of the file are not of the requested day: nothing was compared."""


class AlreadyRunning(Exception):
    """Another process is reconciling the same day."""


@dataclass(frozen=True)
class Sums:
    """Sums over the readable lines; `not_ours_…` is the part of another app, or of numbers not in our format."""

    payments: int
    payments_fen: int
    refunds: int
    refunds_fen: int
    fee_yuan: Decimal
    not_ours_payments: int
    not_ours_payments_fen: int
    not_ours_refunds: int
    not_ours_refunds_fen: int
    not_ours_fee_yuan: Decimal
    of_other_days: int
    unreadable: int


@dataclass(frozen=True)
class Batch:
    """Lines of a bill as the temporary tables have them."""

    records: Sequence[tuple[Any, ...]]
    unreadable: Sequence[tuple[str, str, str]]

    def __bool__(self) -> bool:
        return bool(self.records or self.unreadable)


class Comparison:
    """Uses a database session of its own; `day` is a day in Shanghai."""

    def __init__(self, connection: Any, day: date, merchant: Merchant) -> None:
        self._raw, self._day, self._merchant = connection, day, merchant
        self._begin = datetime.combine(day, time(), SHANGHAI)
        self._end = self._begin + timedelta(days=1)

    async def stage(self, lines: Iterator[TradeLine | Unreadable]) -> None:
        """Copy the lines in batches: while PostgreSQL takes one, a thread parses the next, and requests are served."""
        await self._raw.execute(STAGE)
        batch = await self._parsed(lines)
        while batch:
            following, copied = await asyncio.gather(self._parsed(lines), self._copy(batch), return_exceptions=True)
            # Raised when both have ended: the connection is free, the file is not being read.
            if isinstance(copied, BaseException):
                raise copied
            if isinstance(following, BaseException):
                raise following
            batch = following
        await self._raw.execute("analyze bill_line", timeout=STATEMENT_TIMEOUT_SECONDS)
        await self._raw.execute(ADOPT, timeout=STATEMENT_TIMEOUT_SECONDS)

    async def _parsed(self, lines: Iterator[TradeLine | Unreadable]) -> Batch:
        return await asyncio.to_thread(self._next_batch, lines)

    def _next_batch(self, lines: Iterator[TradeLine | Unreadable]) -> Batch:
        records: list[tuple[Any, ...]] = []
        unreadable: list[tuple[str, str, str]] = []
        for line in itertools.islice(lines, BATCH):
            if isinstance(line, TradeLine):
                records.append(self._record(line))
            else:
                unreadable.append((line.key, line.why, line.text))
        return Batch(records, unreadable)

    async def _copy(self, batch: Batch) -> None:
        await self._raw.copy_records_to_table("bill_line", records=batch.records, columns=COLUMNS, timeout=60)
        if batch.unreadable:
            await self._raw.copy_records_to_table("bill_unreadable", records=batch.unreadable, timeout=60)

    def _record(self, line: TradeLine) -> tuple[Any, ...]:
        refund = line.trade_state == "REFUND"
        is_of_our_app = (line.mchid, line.appid) == (self._merchant.mchid, self._merchant.appid)
        return (
            is_of_our_app and OUR_NUMBER.fullmatch(line.out_trade_no) is not None,
            refund,
            line.out_refund_no if refund else line.out_trade_no,
            line.out_trade_no,
            line.transaction_id,
            line.refund_id if refund else "",
            line.appid,
            line.mchid,
            line.refund_state if refund else line.trade_state,
            line.refund_fen if refund else line.order_fen,
            Decimal(line.fee_yuan),
            line.traded_at,
        )

    async def sums(self) -> Sums:
        row = await self._raw.fetchrow(SUMS, self._begin, self._end, timeout=STATEMENT_TIMEOUT_SECONDS)
        return Sums(**dict(row))

    async def record(self, now: datetime, *, is_wechats: bool = True) -> None:
        """Insert all differences that are not recorded yet, in one transaction. Days are serialised: each must see what the
        other found. Payments are locked before refunds, as everywhere.

        `is_wechats` false: a file supplied by an operator. What it lists is not missing on this day; it proves nothing
        about other days or about earlier differences.
        """
        day, begin, end = self._day, self._begin, self._end
        async with self._raw.transaction():
            await self._raw.execute(
                "select pg_advisory_xact_lock($1, $2)", LOCK_CLASS, ALL_DAYS, timeout=STATEMENT_TIMEOUT_SECONDS
            )
            for statement in (UNREADABLE, PAYMENTS, REFUNDS):
                await self._raw.execute(statement, day, now, timeout=STATEMENT_TIMEOUT_SECONDS)
            if is_wechats:
                await self._raw.execute(PAYMENTS_FOUND, day, begin, end, timeout=STATEMENT_TIMEOUT_SECONDS)
            await self._raw.execute(REFUNDS_FOUND, day, is_wechats, begin, end, timeout=STATEMENT_TIMEOUT_SECONDS)
            for statement in (PAYMENTS_NOT_THERE, REFUNDS_NOT_THERE):
                await self._raw.execute(statement, day, now, begin, end, timeout=STATEMENT_TIMEOUT_SECONDS)
            if is_wechats:
                await self._raw.execute(FOUND_AFTER_ALL, now, timeout=STATEMENT_TIMEOUT_SECONDS)
                await self._raw.execute(FOUND_NOTICES, timeout=STATEMENT_TIMEOUT_SECONDS)


@asynccontextmanager
async def comparison(db: Database, day: date, merchant: Merchant) -> AsyncIterator[Comparison]:
    """Holds the day's advisory lock, which a crashed process releases. Raises AlreadyRunning."""
    async with db.own_connection() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        if not await raw.fetchval("select pg_try_advisory_lock($1, $2)", LOCK_CLASS, day.toordinal()):
            raise AlreadyRunning(f"{day} is being reconciled already")
        yield Comparison(raw, day, merchant)
