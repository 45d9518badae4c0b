"""Queries of the nights that orders hold. Functions use the caller's transaction and never end it.

`take` and `free` are one statement each, which locks the rows of `homestay_night` in the order of their dates: two
transactions that want the same nights wait for one another and never deadlock. What changed is told with its version,
which the lock makes the night's next.
"""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select, text, tuple_

from order.models import HomestayNight, NightState
from servicekit.arrays import ArrayTransaction
from servicekit.db import Transaction, mark_outbox
from servicekit.outbox import OutgoingEvent, row_of

# More units than the whole stock take nothing: where a night has no row yet, its insert would be refused with an error.
_TAKE = """
with wanted as (
  select $3::date + n as night from generate_series(0, $4::int - 1) as n
), taken as (
  insert into homestay_night as held (homestay_id, night, taken, stock, sold_by)
  select $2::bigint, night, $5::int, $6::int, $7::smallint from wanted where $5::int <= $6::int order by night
  on conflict (homestay_id, night) do update
    set taken = held.taken + excluded.taken, stock = excluded.stock, sold_by = excluded.sold_by, version = held.version + 1
  where held.taken + excluded.taken <= excluded.stock and (held.sold_by = excluded.sold_by or held.taken = 0)
  returning night, taken, stock, version
), kept as (
  insert into order_night (order_id, night, units) select $1::bigint, night, $5::int from taken
), told as (
  insert into outbox (event_id, topic, partition_key, event)
  select $8, $9, $10, jsonb_set($11::jsonb, '{data,nights}', jsonb_agg(to_jsonb(now) order by night))
  from taken as now having count(*) > 0
)
select min(night) as night from wanted where night not in (select night from taken)
"""
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


async def take(
    tx: ArrayTransaction,
    order_id: int,
    homestay_id: int,
    first: date,
    nights: int,
    *,
    units: int,
    stock: int,
    sold_by: int,
    told: OutgoingEvent,
) -> date | None:
    """Take `units` of each of the nights from `first` on for the order, keep `stock` and `sold_by` with them, and add them
    to the event `told`. Returns None, or the first date with less than `units` left, or taken by another unit than
    `sold_by` (rooms, beds): then the caller has to roll back, for other nights may be taken."""
    rows = await tx.fetch(_TAKE, order_id, homestay_id, first, nights, units, stock, sold_by, *row_of(told))
    mark_outbox(tx)
    full: date | None = rows[0]["night"]
    return full


async def first_full(
    session: Transaction, homestay_id: int, first: date, nights: int, *, units: int, stock: int, sold_by: int
) -> date | None:
    """The first of the nights from `first` on that `take` would name. Locks and promises nothing."""
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
