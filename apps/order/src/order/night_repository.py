"""Queries of the nights that orders hold. Functions use the caller's transaction and never end it.

`free` is one statement, which locks the rows of `homestay_night` in the order of their dates, as new orders do
(`reservation_repository`): two transactions that want the same nights wait for one another and never deadlock. What changed
is told with its version, which the lock makes the night's next.
"""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select, text, tuple_

from order.models import HomestayNight, NightState
from servicekit.db import Transaction

_FIRST_FULL = text("""
select min(wanted.night) from (
  select cast(:first as date) + n as night from generate_series(0, cast(:nights as int) - 1) as n
) wanted left join homestay_night held on held.homestay_id = :homestay_id and held.night = wanted.night
where coalesce(held.taken, 0) + cast(:units as int) > cast(:stock as int)
  or (held.taken > 0 and held.sold_by <> cast(:sold_by as smallint))
""")
_FREE = text("""
with freed as (
  delete from order_night where order_id = :order_id and night >= :since returning night, units
), locked as (
  select held.night, freed.units from homestay_night held join freed on freed.night = held.night
  where held.homestay_id = :homestay_id order by held.night for update of held
)
update homestay_night held set taken = held.taken - locked.units, version = held.version + 1 from locked
where held.homestay_id = :homestay_id and held.night = locked.night
returning held.night, held.taken, held.stock, held.version
""")


async def first_full(
    session: Transaction, homestay_id: int, first: date, nights: int, *, units: int, stock: int, sold_by: int
) -> date | None:
    """The first of the nights from `first` on that a booking would be refused for. Locks and promises nothing."""
    values = {
        "homestay_id": homestay_id,
        "first": first,
        "nights": nights,
        "units": units,
        "stock": stock,
        "sold_by": sold_by,
    }
    full: date | None = await session.scalar(_FIRST_FULL, values)
    return full


async def page(session: Transaction, since: date, after: tuple[int, date], size: int) -> Sequence[HomestayNight]:
    """By homestay and night, above `after`, without nights before `since`."""
    key = tuple_(HomestayNight.homestay_id, HomestayNight.night)
    query = select(HomestayNight).where(key > after, HomestayNight.night >= since).order_by(key).limit(size)
    return (await session.scalars(query)).all()


async def free(tx: Transaction, order_id: int, homestay_id: int, since: date) -> list[NightState]:
    """Free the nights from `since` on that the order still holds, and return those as they are now, by date. Repeating it
    changes nothing, and returns none."""
    rows = await tx.execute(_FREE, {"order_id": order_id, "homestay_id": homestay_id, "since": since})
    return sorted(NightState(*row) for row in rows)
