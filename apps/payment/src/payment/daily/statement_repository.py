"""Queries about a host's payout statements: what stands in payout records, by day, homestay and order. Opens no
transaction, commits nothing.

An item counts for the host of its stay (`payout_stay`), and only once it is in a record: so the sums are the records' own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import BigInteger, Date, Integer, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

_RECORDS = """
select distinct r.day from payout_record r
where r.homestay_business_id in (select homestay_business_id from payout_stay where host_id = :host_id)
  and (cast(:below as date) is null or r.day < :below)
  and exists (select from payout_item i join payout_stay s on s.payment_sn = i.payment_sn
              where i.record_id = r.id and s.host_id = :host_id
                and (cast(:homestay_id as bigint) is null or s.homestay_id = :homestay_id))
order by r.day desc limit :days
"""
_ITEMS = """
select r.day, s.homestay_id, {columns},
  cast(coalesce(sum(i.amount_fen) filter (where i.kind = 'stay'), 0) as bigint) as total_fen,
  cast(coalesce(sum(i.amount_fen) filter (where i.kind = 'refund'), 0) as bigint) as refunded_fen,
  cast(sum(i.fee_fen) as bigint) as fee_fen
from payout_record r
join payout_item i on i.record_id = r.id
join payout_stay s on s.payment_sn = i.payment_sn
where r.homestay_business_id in (select homestay_business_id from payout_stay where host_id = :host_id)
  and r.day between :first and :last and s.host_id = :host_id
  and (cast(:homestay_id as bigint) is null or s.homestay_id = :homestay_id)
"""
_BOUND = (
    bindparam("host_id", type_=BigInteger),
    bindparam("homestay_id", type_=BigInteger),
)
_PERIOD = (bindparam("first", type_=Date), bindparam("last", type_=Date))
_DAYS = text(_RECORDS).bindparams(*_BOUND, bindparam("below", type_=Date), bindparam("days", type_=Integer))
_BY_HOMESTAY = text(
    _ITEMS.format(
        columns="(array_agg(s.title order by s.order_sn desc))[1] as title, count(distinct s.order_sn) as orders"
    )
    + "group by r.day, s.homestay_id order by r.day desc, s.homestay_id"
).bindparams(*_BOUND, *_PERIOD)
_BY_ORDER = text(
    _ITEMS.format(columns="s.title, s.order_sn")
    + "group by r.day, s.homestay_id, s.title, s.order_sn order by r.day, s.homestay_id, s.order_sn limit :most"
).bindparams(*_BOUND, *_PERIOD, bindparam("most", type_=Integer))


@dataclass(frozen=True, kw_only=True)
class Sums:
    """In fen: what was paid for stays, what went back of it, WeChat's fee less its part that came back. A refund that
    became known after its stay's day stands in a day of its own, with the total 0."""

    total_fen: int
    refunded_fen: int
    fee_fen: int

    @property
    def kept_fen(self) -> int:
        return self.total_fen - self.refunded_fen

    @property
    def payable_fen(self) -> int:
        return self.kept_fen - self.fee_fen


@dataclass(frozen=True, kw_only=True)
class HomestayDay(Sums):
    """A day of one homestay; `title` is the homestay's in the newest of its orders."""

    day: date
    homestay_id: int
    title: str
    orders: int


@dataclass(frozen=True, kw_only=True)
class OrderLine(Sums):
    """What an order is to a day of its homestay; `title` is the homestay's when it was booked."""

    day: date
    homestay_id: int
    title: str
    order_sn: str


async def days(
    session: AsyncSession, host_id: int, homestay_id: int | None, *, below: date | None, limit: int
) -> Sequence[date]:
    """The newest days with something in them, newest first."""
    asked = {"host_id": host_id, "homestay_id": homestay_id, "below": below, "days": limit}
    return (await session.scalars(_DAYS, asked)).all()


async def homestay_days(
    session: AsyncSession, host_id: int, homestay_id: int | None, first: date, last: date
) -> list[HomestayDay]:
    """Newest day first; both ends belong to it."""
    asked = {"host_id": host_id, "homestay_id": homestay_id, "first": first, "last": last}
    return [HomestayDay(**row) for row in (await session.execute(_BY_HOMESTAY, asked)).mappings()]


async def order_lines(
    session: AsyncSession, host_id: int, homestay_id: int | None, first: date, last: date, *, most: int
) -> list[OrderLine]:
    """Oldest day first; both ends belong to it."""
    asked = {"host_id": host_id, "homestay_id": homestay_id, "first": first, "last": last, "most": most}
    return [OrderLine(**row) for row in (await session.execute(_BY_ORDER, asked)).mappings()]
