"""The queries of foreign calendars. Functions use the caller's transaction and never end it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, and_, delete, func, select, text, true, union
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit import due
from servicekit.db import Transaction
from travel.models import BlockedNight, ForeignCalendar, Homestay, HomestayDate, HomestayNight

_BLOCK = text(
    "insert into blocked_night (calendar_id, night)"
    " select cast(:calendar_id as bigint), unnest(cast(:nights as date[])) on conflict do nothing"
)
_UNBLOCK = text("delete from blocked_night where calendar_id = :calendar_id and night <> all(cast(:nights as date[]))")


@dataclass(frozen=True)
class Claim:
    """A calendar that this replica has leased until `leased_until`: its settling is void once another holds it."""

    id: int
    url: str
    etag: str | None
    read_at: datetime | None
    tries: int
    leased_until: datetime


def oldest_due() -> Select[tuple[datetime | None]]:
    """Since when the calendar that waits longest was to be fetched, or will be."""
    return select(func.min(ForeignCalendar.due_at))


@dataclass(frozen=True)
class Listed:
    """`nights`: how many it blocks."""

    calendar: ForeignCalendar
    nights: int


async def calendars(session: AsyncSession, homestay_id: int) -> list[Listed]:
    """With the oldest first."""
    nights = select(func.count()).where(BlockedNight.calendar_id == ForeignCalendar.id).scalar_subquery()
    query = select(ForeignCalendar, nights).where(ForeignCalendar.homestay_id == homestay_id)
    rows = await session.execute(query.order_by(ForeignCalendar.id))
    return [Listed(row[0], row[1]) for row in rows]


@dataclass(frozen=True)
class NightConflict:
    """A night that a foreign calendar blocks though `taken` units of it are sold here."""

    night: date
    name: str
    taken: int


async def conflicts(session: AsyncSession, homestay_id: int, since: date) -> list[NightConflict]:
    """From the night `since` on, in order; as far as the read model of taken nights knows."""
    query = (
        select(BlockedNight.night, ForeignCalendar.name, HomestayNight.taken)
        .join(ForeignCalendar, ForeignCalendar.id == BlockedNight.calendar_id)
        .join(
            HomestayNight,
            and_(HomestayNight.homestay_id == ForeignCalendar.homestay_id, HomestayNight.night == BlockedNight.night),
        )
        .where(ForeignCalendar.homestay_id == homestay_id, BlockedNight.night >= since, HomestayNight.taken > 0)
        .order_by(BlockedNight.night, ForeignCalendar.id)
    )
    return [NightConflict(*row) for row in await session.execute(query)]


async def homestay_of_secret(session: AsyncSession, secret: str) -> Homestay | None:
    query = select(Homestay).where(Homestay.export_secret == secret, Homestay.deleted_at.is_(None))
    return (await session.scalars(query)).one_or_none()


async def unavailable(session: AsyncSession, homestay: Homestay, start: date, end: date) -> list[date]:
    """The nights with start ≤ night < end that are sold out or closed by the host."""
    sold = select(HomestayNight.night).where(
        HomestayNight.homestay_id == homestay.id,
        HomestayNight.night >= start,
        HomestayNight.night < end,
        HomestayNight.taken >= max(homestay.stock, 1),
    )
    closed = select(HomestayDate.night).where(
        HomestayDate.homestay_id == homestay.id,
        HomestayDate.night >= start,
        HomestayDate.night < end,
        HomestayDate.closed,
    )
    return list((await session.scalars(union(sold, closed))).all())


async def count(tx: Transaction, homestay_id: int) -> int:
    query = select(func.count()).where(ForeignCalendar.homestay_id == homestay_id)
    return await tx.scalar(query) or 0


async def add(tx: Transaction, homestay_id: int, name: str, url: str, now: datetime) -> int | None:
    """The new id; None when the homestay has a calendar of that address."""
    row = {"homestay_id": homestay_id, "name": name, "url": url, "due_at": now}
    statement = insert(ForeignCalendar).values(row).on_conflict_do_nothing().returning(ForeignCalendar.id)
    return (await tx.execute(statement)).scalar()


async def remove(tx: Transaction, homestay_id: int, calendar_id: int) -> str | None:
    """The name of what is removed, with its blocked nights; None when the homestay has no such calendar."""
    statement = delete(ForeignCalendar).where(
        ForeignCalendar.id == calendar_id, ForeignCalendar.homestay_id == homestay_id
    )
    return (await tx.execute(statement.returning(ForeignCalendar.name))).scalar()


async def claim(tx: Transaction, now: datetime, lease: timedelta, limit: int) -> list[Claim]:
    c = ForeignCalendar.__table__.c
    columns = (c.url, c.etag, c.read_at, c.tries, c.leased_until)
    rows = await due.claim(tx, ForeignCalendar.__table__, *columns, is_open=true(), now=now, lease=lease, limit=limit)
    return [Claim(**row) for row in rows]


async def lock_claimed(tx: Transaction, claim: Claim) -> ForeignCalendar | None:
    """None when it was removed, or is leased to another meanwhile."""
    query = select(ForeignCalendar).where(
        ForeignCalendar.id == claim.id, ForeignCalendar.leased_until == claim.leased_until
    )
    return (await tx.scalars(query.with_for_update())).one_or_none()


async def block(tx: Transaction, calendar_id: int, nights: Collection[date]) -> None:
    """Block these nights as well."""
    await tx.execute(_BLOCK, {"calendar_id": calendar_id, "nights": list(nights)})


async def unblock_all_but(tx: Transaction, calendar_id: int, nights: Collection[date]) -> None:
    await tx.execute(_UNBLOCK, {"calendar_id": calendar_id, "nights": list(nights)})
