"""All queries of hosting. Functions use the caller's transaction and never end it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit import due
from servicekit.db import Transaction
from servicekit.paging import newest_first
from travel.models import (
    UP,
    BlockedNight,
    ForeignCalendar,
    Homestay,
    HomestayBusiness,
    HomestayDate,
    HostApplication,
    HostChange,
)
from travel.states import ApplicationState

_SET_DATES = text("""
with wanted as (
  select cast(:start as date) + n as night from generate_series(0, cast(:nights as int) - 1) as n
), before as (
  select wanted.night, held.price_fen, coalesce(held.closed, false) as closed
  from wanted left join homestay_date held on held.homestay_id = :homestay_id and held.night = wanted.night
), after as (
  select night,
    case when cast(:sets_price as bool) then cast(:price_fen as bigint) else price_fen end as price_fen,
    coalesce(cast(:closed as bool), closed) as closed
  from before
), gone as (
  delete from homestay_date held using after
  where held.homestay_id = :homestay_id and held.night = after.night and after.price_fen is null and not after.closed
), kept as (
  insert into homestay_date (homestay_id, night, price_fen, closed)
  select :homestay_id, night, price_fen, closed from after where price_fen is not null or closed
  on conflict (homestay_id, night) do update set price_fen = excluded.price_fen, closed = excluded.closed
)
select night, before.price_fen as price_before, before.closed as closed_before, after.price_fen, after.closed
from before join after using (night)
where (before.price_fen, before.closed) is distinct from (after.price_fen, after.closed) order by night
""")


class ChangedNight(NamedTuple):
    night: date
    price_before: int | None
    closed_before: bool
    price_fen: int | None
    closed: bool


async def application_of(session: AsyncSession, user_id: int, *, lock: bool = False) -> HostApplication | None:
    query = select(HostApplication).where(HostApplication.user_id == user_id)
    return (await session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def lock_application(tx: Transaction, application_id: int) -> HostApplication | None:
    query = select(HostApplication).where(HostApplication.id == application_id).with_for_update()
    return (await tx.scalars(query)).one_or_none()


async def add_application(tx: Transaction, **values: Any) -> bool:
    """False when the user has one: waits for a concurrent insert of the same user."""
    statement = (
        insert(HostApplication).values(**values).on_conflict_do_nothing(index_elements=[HostApplication.user_id])
    )
    return (await tx.execute(statement.returning(HostApplication.id))).first() is not None


async def applications(
    session: AsyncSession, state: ApplicationState | None, *, below: int, limit: int
) -> Sequence[HostApplication]:
    """Newest first."""
    query = newest_first(select(HostApplication), HostApplication.id, below=below, limit=limit)
    return (await session.scalars(query.where(HostApplication.state == state) if state else query)).all()


async def claim_approved(tx: Transaction, now: datetime, lease: timedelta, limit: int) -> list[tuple[int, int, int]]:
    """(id, user id, number of the try) of approved applications whose role is not granted yet and that are due. The problem
    of the last try is cleared: what usercenter answers to this one is not known."""
    c = HostApplication.__table__.c
    is_open = c.state == ApplicationState.APPROVED
    rows = await due.claim(
        tx,
        HostApplication.__table__,
        c.user_id,
        c.tries,
        is_open=is_open,
        now=now,
        lease=lease,
        limit=limit,
        values={"problem": None},
    )
    return [(row["id"], row["user_id"], row["tries"]) for row in rows]


def oldest(state: ApplicationState) -> Select[tuple[datetime | None]]:
    """Since when the oldest application has been in a state that should end."""
    since = HostApplication.applied_at if state is ApplicationState.WAITING else HostApplication.decided_at
    return select(func.min(since)).where(HostApplication.state == state)


async def shop_of(session: AsyncSession, user_id: int, *, lock: bool = False) -> HomestayBusiness | None:
    query = select(HomestayBusiness).where(HomestayBusiness.user_id == user_id, HomestayBusiness.deleted_at.is_(None))
    return (await session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def add_shop(tx: Transaction, user_id: int, title: str) -> None:
    """An open shop; changes nothing when the user has one."""
    values = {"user_id": user_id, "title": title, "row_state": UP}
    statement = insert(HomestayBusiness).values(values)
    await tx.execute(statement.on_conflict_do_nothing(index_elements=[HomestayBusiness.user_id]))


async def own_homestay(session: AsyncSession, user_id: int, homestay_id: int, *, lock: bool = False) -> Homestay | None:
    """None also for another host's. `lock`: its row, until the transaction ends."""
    query = select(Homestay).where(
        Homestay.id == homestay_id, Homestay.user_id == user_id, Homestay.deleted_at.is_(None)
    )
    return (await session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def homestays_of(session: AsyncSession, user_id: int, *, below: int, limit: int) -> Sequence[Homestay]:
    """On sale or not, newest first."""
    query = select(Homestay).where(Homestay.user_id == user_id, Homestay.deleted_at.is_(None))
    return (await session.scalars(newest_first(query, Homestay.id, below=below, limit=limit))).all()


async def count_homestays(session: AsyncSession, shop_id: int) -> int:
    query = select(func.count()).where(Homestay.homestay_business_id == shop_id, Homestay.deleted_at.is_(None))
    return (await session.execute(query)).scalar_one()


async def homestay_by_request_key(session: AsyncSession, user_id: int, key: str) -> Homestay | None:
    query = select(Homestay).where(Homestay.user_id == user_id, Homestay.request_key == key)
    return (await session.scalars(query)).one_or_none()


async def add_homestay(tx: Transaction, shop: HomestayBusiness, key: str | None, values: Mapping[str, Any]) -> Homestay:
    homestay = Homestay(homestay_business_id=shop.id, user_id=shop.user_id, request_key=key, banner="", **values)
    homestay.row_state = 0
    tx.add(homestay)
    await tx.flush()
    return homestay


async def dates(session: AsyncSession, homestay_id: int, start: date, end: date) -> Sequence[HomestayDate]:
    """What was set for nights with start ≤ night < end."""
    query = select(HomestayDate).where(
        HomestayDate.homestay_id == homestay_id, HomestayDate.night >= start, HomestayDate.night < end
    )
    return (await session.scalars(query)).all()


async def blocked_by(session: AsyncSession, homestay_id: int, start: date, end: date) -> dict[date, list[str]]:
    """The names of the foreign calendars that took a night with start ≤ night < end."""
    query = (
        select(BlockedNight.night, ForeignCalendar.name)
        .join(ForeignCalendar, ForeignCalendar.id == BlockedNight.calendar_id)
        .where(ForeignCalendar.homestay_id == homestay_id, BlockedNight.night >= start, BlockedNight.night < end)
        .order_by(ForeignCalendar.id)
    )
    names: dict[date, list[str]] = {}
    for night, name in (await session.execute(query)).tuples():
        names.setdefault(night, []).append(name)
    return names


async def set_dates(
    tx: Transaction,
    homestay_id: int,
    start: date,
    nights: int,
    *,
    sets_price: bool,
    price_fen: int | None,
    closed: bool | None,
) -> list[ChangedNight]:
    """Set the price of each of the nights from `start` on (`sets_price`; None: none of its own) and whether it is closed
    (None: as it is). Returns those that this changed. The caller holds the homestay's row: others wait."""
    values = {
        "homestay_id": homestay_id, "start": start, "nights": nights,
        "sets_price": sets_price, "price_fen": price_fen, "closed": closed,
    }  # fmt: skip
    return [ChangedNight(*row) for row in await tx.execute(_SET_DATES, values)]


async def changes(
    session: AsyncSession, user_id: int, homestay_id: int | None, *, below: int, limit: int
) -> Sequence[HostChange]:
    """Newest first."""
    query = newest_first(select(HostChange), HostChange.id, below=below, limit=limit)
    query = query.where(HostChange.user_id == user_id)
    return (await session.scalars(query.where(HostChange.homestay_id == homestay_id) if homestay_id else query)).all()
