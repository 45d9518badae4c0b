"""The queries of foreign calendars. Functions use the caller's transaction and never end it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, func, select, text, true

from servicekit import due
from servicekit.db import Transaction
from travel.models import ForeignCalendar

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
