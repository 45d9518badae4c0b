"""Queries about payouts, and the rule of what is due: amount less WeChat's fee, rounded half up to the fen, in Python for a
stay and in SQL for a refund. Opens no transaction, commits nothing."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple, Protocol

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from payment.daily.days import missed_days
from payment.ledger.payment_states import PayStatus
from payment.models import PayoutDay, PayoutItem, PayoutRecord, PayoutStay, ThirdPayment
from servicekit.clock import SHANGHAI
from servicekit.db import Transaction
from servicekit.paging import newest_first

SUM_UP = """
with made as (
  insert into payout_record
    (homestay_business_id, day, seq, stays, stays_fen, refunds, refunds_fen, fee_fen, net_fen, created_at)
  select i.homestay_business_id, :day,
    1 + coalesce((select max(r.seq) from payout_record r
                  where r.homestay_business_id = i.homestay_business_id and r.day = :day), 0),
    count(*) filter (where kind = 'stay'), coalesce(sum(amount_fen) filter (where kind = 'stay'), 0),
    count(*) filter (where kind = 'refund'), coalesce(sum(amount_fen) filter (where kind = 'refund'), 0),
    sum(fee_fen), sum(case kind when 'stay' then amount_fen else -amount_fen end) - sum(fee_fen), :now
  from payout_item i where i.day = :day and i.record_id is null
  group by i.homestay_business_id order by i.homestay_business_id
  returning id, homestay_business_id
)
update payout_item i set record_id = made.id from made
where i.day = :day and i.record_id is null and i.homestay_business_id = made.homestay_business_id
returning made.id
"""
REFUNDS = """
insert into payout_item (kind, number, payment_sn, homestay_business_id, day, amount_fen, fee_fen)
select 'refund', r.sn, r.payment_sn, s.homestay_business_id, :day, r.refund_fen,
  -((r.refund_fen * :fee_basis_points + 5000) / 10000)
from refund r join payout_item s on s.kind = 'stay' and s.payment_sn = r.payment_sn
where r.state = 'succeeded' and r.success_time < :until
  and not exists (select from payout_item x where x.kind = 'refund' and x.number = r.sn)
on conflict do nothing
"""


DAYS = """
select d.day, d.completed_at, count(r.id), count(distinct r.homestay_business_id), coalesce(sum(r.stays_fen), 0)::bigint,
  coalesce(sum(r.refunds_fen), 0)::bigint, coalesce(sum(r.fee_fen), 0)::bigint, coalesce(sum(r.net_fen), 0)::bigint
from (select day, completed_at from payout_day where day < coalesce(cast(:before as date), 'infinity')
      order by day desc limit :size) d
left join payout_record r on r.day = d.day group by d.day, d.completed_at order by d.day desc
"""


class PayoutSums(NamedTuple):
    """A day's records, summed up over all businesses; `completed_at` is None until they are computed."""

    day: date
    completed_at: datetime | None
    records: int
    businesses: int
    stays_fen: int
    refunds_fen: int
    fee_fen: int
    net_fen: int


class Stay(Protocol):
    """An order that was checked in, or cancelled and partly kept, as order reports it."""

    @property
    def order_sn(self) -> str: ...
    @property
    def payment_sn(self) -> str: ...
    @property
    def homestay_id(self) -> int: ...
    @property
    def homestay_user_id(self) -> int: ...
    @property
    def title(self) -> str: ...
    @property
    def homestay_business_id(self) -> int: ...


async def schedule_missed(tx: Transaction, yesterday: date) -> int:
    """Schedule yesterday and the missing days; returns how many were added. Existing days are left as they are."""
    days = {yesterday, *(await tx.scalars(missed_days(PayoutDay.day, yesterday))).all()}
    row = insert(PayoutDay).values([{"day": day} for day in sorted(days)]).on_conflict_do_nothing()
    return len((await tx.scalars(row.returning(PayoutDay.day))).all())


async def unfinished_days(session: AsyncSession, yesterday: date) -> set[date]:
    return {*await scheduled_days(session), *(await session.scalars(missed_days(PayoutDay.day, yesterday))).all()}


async def one_at_a_time(tx: Transaction) -> None:
    await tx.execute(text("select pg_advisory_xact_lock(7301011)"))


async def take_stays(tx: Transaction, stays: Sequence[Stay], day: date, fee_basis_points: int) -> set[str]:
    """Insert an item for each stay that has none, with the amount paid, and whose stay it is (also of an item from before
    that was written down). Returns the orders that have an item now."""
    held = select(ThirdPayment.sn, ThirdPayment.order_sn, ThirdPayment.total_fen).where(
        ThirdPayment.sn.in_([stay.payment_sn for stay in stays]),
        ThirdPayment.pay_status.in_([PayStatus.PAID, PayStatus.REFUNDED]),
    )
    paid = {(row.sn, row.order_sn): row.total_fen for row in await tx.execute(held)}
    known = [stay for stay in stays if (stay.payment_sn, stay.order_sn) in paid]
    items = [
        {
            "kind": "stay",
            "number": stay.order_sn,
            "payment_sn": stay.payment_sn,
            "homestay_business_id": stay.homestay_business_id,
            "day": day,
            "amount_fen": total_fen,
            "fee_fen": (total_fen * fee_basis_points + 5000) // 10000,
        }
        for stay in known
        for total_fen in [paid[stay.payment_sn, stay.order_sn]]
    ]
    owners = [
        {
            "order_sn": stay.order_sn,
            "payment_sn": stay.payment_sn,
            "homestay_business_id": stay.homestay_business_id,
            "homestay_id": stay.homestay_id,
            "host_id": stay.homestay_user_id,
            "title": stay.title,
        }
        for stay in known
    ]
    if known:
        await tx.execute(insert(PayoutItem).values(items).on_conflict_do_nothing())
        await tx.execute(insert(PayoutStay).values(owners).on_conflict_do_nothing())
    return {str(item["number"]) for item in items}


async def take_refunds(tx: Transaction, day: date, fee_basis_points: int) -> None:
    """Insert items for refunds of recorded stays that succeeded by the end of `day` and have none."""
    until = datetime.combine(day, time(), SHANGHAI) + timedelta(days=1)
    await tx.execute(text(REFUNDS), {"day": day, "until": until, "fee_basis_points": fee_basis_points})


async def sum_up(tx: Transaction, day: date, now: datetime) -> int:
    """Sum the day's open items up into new records; returns how many records."""
    return len(set((await tx.scalars(text(SUM_UP), {"day": day, "now": now})).all()))


async def schedule_day(tx: Transaction, day: date) -> None:
    row = insert(PayoutDay).values(day=day, completed_at=None)
    await tx.execute(row.on_conflict_do_update(index_elements=["day"], set_={"completed_at": None}))


async def scheduled_days(session: AsyncSession) -> Sequence[date]:
    query = select(PayoutDay.day).where(PayoutDay.completed_at.is_(None)).order_by(PayoutDay.day)
    return (await session.scalars(query)).all()


async def remember_day(tx: Transaction, day: date, now: datetime) -> None:
    row = insert(PayoutDay).values(day=day, completed_at=now)
    await tx.execute(row.on_conflict_do_update(index_elements=["day"], set_={"completed_at": now}))


async def page(
    session: AsyncSession, *, below: int, size: int, day: date | None, business_id: int | None, host_id: int | None
) -> Sequence[PayoutRecord]:
    """Newest first; `host_id`: those that sum up a stay of the host."""
    query = newest_first(select(PayoutRecord), PayoutRecord.id, below=below, limit=size)
    if day:
        query = query.where(PayoutRecord.day == day)
    if business_id:
        query = query.where(PayoutRecord.homestay_business_id == business_id)
    if host_id:
        theirs = select(PayoutItem.record_id).join(PayoutStay, PayoutStay.payment_sn == PayoutItem.payment_sn)
        query = query.where(PayoutRecord.id.in_(theirs.where(PayoutStay.host_id == host_id)))
    return (await session.scalars(query)).all()


async def hosts_of(session: AsyncSession, record_ids: Sequence[int]) -> dict[int, Sequence[int]]:
    """Whose stays these records sum up: ids of hosts, ascending, by record."""
    hosts = func.array_agg(PayoutStay.host_id.distinct())
    query = select(PayoutItem.record_id, hosts).join(PayoutStay, PayoutStay.payment_sn == PayoutItem.payment_sn)
    rows = await session.execute(query.where(PayoutItem.record_id.in_(record_ids)).group_by(PayoutItem.record_id))
    return {record_id: sorted(found) for record_id, found in rows}


async def days(session: AsyncSession, *, before: date | None, size: int) -> Sequence[PayoutSums]:
    """Newest day first."""
    rows = await session.execute(text(DAYS), {"before": before, "size": size})
    return [PayoutSums(*row) for row in rows]
