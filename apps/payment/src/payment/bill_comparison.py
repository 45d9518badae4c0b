"""A bill beside the ledger: its lines copied into a table of this session alone, the differences found there by joins.

Memory is bounded by a batch of lines here and by the server's work_mem there, however long the bill. The table is gone with
the session, so a run that dies leaves nothing behind.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from payment.wechat.bills import TradeLine
from servicekit.clock import SHANGHAI
from servicekit.db import Database

BATCH = 5000
LONGEST_SECONDS = 900.0
"""For one statement over the whole bill."""
LOCK_CLASS = 7_301_010
COLUMNS = (
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
  refund boolean not null, number text not null, out_trade_no text not null, transaction_id text not null,
  refund_id text not null, appid text not null, mchid text not null, state text not null, fen bigint not null,
  fee_yuan numeric not null, at timestamptz not null
)
"""
LINE = """jsonb_build_object('transaction_id', b.transaction_id, 'refund_id', b.refund_id, 'appid', b.appid,
  'mchid', b.mchid, 'at', b.at, 'total_fen', p.total_fen::text)"""
INTO = """insert into reconciliation_difference (bill_date, kind, subject, number, payment_sn, ours_state, theirs_state,
  ours_fen, theirs_fen, line, outcome, found_at)"""
PAYMENT_STATE = "(array['closed', 'waiting', 'paid', 'refunded'])[p.pay_status + 2]"
PAYMENTS = f"""
{INTO}
select $1, case when p.id is null then 'missing_here' when p.total_fen <> b.fen then 'amount' else 'state' end, 'payment',
  b.number, b.number, {PAYMENT_STATE}, b.state, p.total_fen, b.fen, {LINE}, 'open', $2
from bill_line b left join third_payment p on p.sn = b.number
where not b.refund and (p.id is null or p.total_fen <> b.fen or p.pay_status not in (1, 2) or b.state <> 'SUCCESS'
  or p.transaction_id is distinct from b.transaction_id)
order by b.number
on conflict do nothing
"""  # noqa: S608 - made of constants of this module
REFUNDS = f"""
{INTO}
select $1, case when r.id is null then 'missing_here' when r.refund_fen <> b.fen then 'amount' else 'state' end, 'refund',
  b.number, b.out_trade_no, r.state, b.state, r.refund_fen, b.fen, {LINE}, 'open', $2
from bill_line b left join refund r on r.sn = b.number left join third_payment p on p.sn = b.out_trade_no
where b.refund and (r.id is null or r.refund_fen <> b.fen or r.payment_sn <> b.out_trade_no
  or coalesce(r.refund_id, b.refund_id) <> b.refund_id
  or case b.state when 'SUCCESS' then r.state <> 'succeeded'
    when 'PROCESSING' then r.state = 'requested' or (r.state = 'closed' and r.refund_id is null)
    when 'CHANGE' then r.state in ('requested', 'accepted') when 'FAIL' then r.state <> 'closed' else true end)
order by b.number
on conflict do nothing
"""  # noqa: S608 - made of constants of this module
PAYMENTS_NOT_THERE = f"""
{INTO}
select $1, 'missing_there', 'payment', p.sn, p.sn, {PAYMENT_STATE}, null, p.total_fen, null, null, 'open', $2
from third_payment p
where p.pay_time >= $3 and p.pay_time < $4 and p.pay_status in (1, 2)
  and not exists (select from bill_line b where not b.refund and b.number = p.sn)
order by p.sn
on conflict do nothing
"""  # noqa: S608 - made of constants of this module
REFUNDS_FOUND = """
update refund r set billed_on = $1 from bill_line b where b.refund and r.sn = b.number and r.billed_on is null
"""
REFUNDS_NOT_THERE = f"""
{INTO}
select $1, 'missing_there', 'refund', r.sn, r.payment_sn, r.state, null, r.refund_fen, null, null, 'open', $2
from refund r
where r.billed_on is null and r.state in ('accepted', 'succeeded', 'abnormal')
  and coalesce(r.success_time, r.sent_at) >= $3 and coalesce(r.success_time, r.sent_at) < $4
order by r.sn
on conflict do nothing
"""  # noqa: S608 - made of constants of this module
MENDED = """
with mended as (
  update reconciliation_difference d set outcome = 'mended', ended_at = $2 from bill_line b
  where d.kind = 'missing_there' and d.bill_date < $1 and d.outcome <> 'mended' and d.number = b.number
    and (d.subject = 'refund') = b.refund
  returning d.subject, d.number
)
update provider_notice n set state = 'resolved' from mended m
where n.reason = 'not_on_bill' and m.number = case m.subject
  when 'refund' then n.out_refund_no else n.out_trade_no end and (m.subject = 'refund') = (n.out_refund_no is not null)
"""
SUMS = """
select count(*) filter (where not refund) as payments,
  coalesce(sum(fen) filter (where not refund), 0)::bigint as payments_fen,
  count(*) filter (where refund) as refunds, coalesce(sum(fen) filter (where refund), 0)::bigint as refunds_fen,
  coalesce(sum(fee_yuan), 0) as fee_yuan,
  count(*) filter (where not refund and (at < $1 or at >= $2)) as of_other_days from bill_line
"""


class AnotherDaysBill(Exception):
    """The file's payments are not of the day that was asked for: nothing was compared."""


class AlreadyRunning(Exception):
    """Another process reconciles this very day."""


@dataclass(frozen=True)
class Sums:
    payments: int
    payments_fen: int
    refunds: int
    refunds_fen: int
    fee_yuan: Decimal


class Comparison:
    """On one session of its own; `day` is a day in Shanghai."""

    def __init__(self, connection: Any, day: date) -> None:
        self._raw, self._day = connection, day
        self._begin = datetime.combine(day, time(), SHANGHAI)
        self._end = self._begin + timedelta(days=1)

    async def stage(self, lines: Iterator[TradeLine]) -> None:
        """Copy the lines over, a batch at a time. They are read in a thread: requests go on being served meanwhile."""
        await self._raw.execute(STAGE)
        while batch := await asyncio.to_thread(_records, lines):
            await self._raw.copy_records_to_table("bill_line", records=batch, columns=COLUMNS, timeout=60)
        await self._raw.execute("analyze bill_line", timeout=LONGEST_SECONDS)

    async def sums(self) -> Sums:
        """Raises AnotherDaysBill."""
        row = dict(await self._raw.fetchrow(SUMS, self._begin, self._end, timeout=LONGEST_SECONDS))
        if strangers := row.pop("of_other_days"):
            raise AnotherDaysBill(f"{strangers} payments of the bill are not of {self._day}")
        return Sums(**row)

    async def record(self, now: datetime) -> None:
        """Write every difference down that is not there yet, all or none."""
        async with self._raw.transaction():
            for statement in (PAYMENTS, REFUNDS):
                await self._raw.execute(statement, self._day, now, timeout=LONGEST_SECONDS)
            await self._raw.execute(REFUNDS_FOUND, self._day, timeout=LONGEST_SECONDS)
            for statement in (PAYMENTS_NOT_THERE, REFUNDS_NOT_THERE):
                await self._raw.execute(statement, self._day, now, self._begin, self._end, timeout=LONGEST_SECONDS)
            await self._raw.execute(MENDED, self._day, now, timeout=LONGEST_SECONDS)


@asynccontextmanager
async def comparison(db: Database, day: date) -> AsyncIterator[Comparison]:
    """Holds the day's lock; a process that dies lets it go. Raises AlreadyRunning."""
    connection = await db.own_connection()
    try:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        if not await raw.fetchval("select pg_try_advisory_lock($1, $2)", LOCK_CLASS, day.toordinal()):
            raise AlreadyRunning(f"{day} is being reconciled already")
        yield Comparison(raw, day)
    finally:
        await connection.close()
        await connection.engine.dispose()


def _records(lines: Iterator[TradeLine]) -> list[tuple[Any, ...]]:
    return [_record(line) for line in itertools.islice(lines, BATCH)]


def _record(line: TradeLine) -> tuple[Any, ...]:
    refund = line.trade_state == "REFUND"
    return (
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
