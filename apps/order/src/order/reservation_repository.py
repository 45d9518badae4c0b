"""The statements of new orders, each for those that come together: the orders, the nights that they want, what is written
of those that fit. Functions use the caller's transaction and never end it.

Orders come before nights, and both are sorted. A transaction of many never waits for a night that another one holds: it
leaves the orders that want such nights to transactions of their own.
"""

import json
from collections.abc import Collection, Sequence
from datetime import date
from functools import cache
from typing import NamedTuple

from order.models import NightState
from order.night_fitting import Held, NightKey, Taken
from servicekit.arrays import ArrayTransaction, columns


@cache
def _insert_orders(names: tuple[str, ...]) -> str:
    """Each order gets one of its user's free slots, at random: who orders twice at once seldom waits for the first. Of a
    user with several orders here, each gets a slot of its own, the earlier ones first. `offset 0`: the slots of a user are
    read once."""
    inserted, given = ", ".join(names), ", ".join(f"asked.{name}" for name in names)
    return (
        "with asked as materialized ("  # noqa: S608 - names of columns of ours
        "  select *, row_number() over (partition by user_id order by ordinality) as nth"
        "    from json_populate_recordset(null::homestay_order, $1::json) with ordinality),"
        " free as materialized ("
        "  select user_id, n, row_number() over (partition by user_id order by random()) as nth from ("
        "    select user_id, array(select unpaid_slot from homestay_order o where o.user_id = each.user_id"
        "                          and o.trade_state = 0 and unpaid_slot is not null) as taken"
        "      from (select distinct user_id from asked) as each offset 0) as of_user,"
        "    generate_series(1, $2::int) as n where n <> all(of_user.taken)),"
        f" added as (insert into homestay_order ({inserted}, unpaid_slot)"
        f"  select {given}, free.n from asked join free using (user_id, nth) order by asked.user_id, free.n"
        "   on conflict do nothing returning id, sn)"
        " select asked.sn, added.id, free.n is not null as had_slot"
        "  from asked left join free using (user_id, nth) left join added on added.sn = asked.sn"
    )


_LOCK_NIGHTS = """
select held.homestay_id, held.night, held.taken, held.stock, held.sold_by
  from homestay_night held join unnest($1::bigint[], $2::date[]) as wanted(homestay_id, night)
    on held.homestay_id = wanted.homestay_id and held.night = wanted.night
 order by held.homestay_id, held.night for update of held
"""
_LOCK_FREE_NIGHTS = f"""
with free as ({_LOCK_NIGHTS} skip locked)
select homestay_id, night, free.taken, free.stock, free.sold_by
  from homestay_night join unnest($1::bigint[], $2::date[]) as wanted(homestay_id, night) using (homestay_id, night)
  left join free using (homestay_id, night)
"""  # noqa: S608 - made of constants
"""Also those that others hold, without what is taken of them."""
_WRITE = """
with now as (
  insert into homestay_night as held (homestay_id, night, taken, stock, sold_by)
  select * from unnest($1::bigint[], $2::date[], $3::int[], $4::int[], $5::smallint[]) as n(homestay_id, night)
   order by homestay_id, night
      on conflict (homestay_id, night) do update
     set taken = held.taken + excluded.taken, stock = excluded.stock, sold_by = excluded.sold_by, version = held.version + 1
   where held.taken + excluded.taken <= excluded.stock and (held.sold_by = excluded.sold_by or held.taken = 0)
  returning homestay_id, night, taken, stock, version
), kept as (
  insert into order_night (order_id, night, units) select * from unnest($6::bigint[], $7::date[], $8::int[])
), first as (
  insert into order_transition (order_id, seq, to_state, cause, created_at)
  select id, 1, 0, 'created', created_at from homestay_order where id = any($9::bigint[])
), gone as (delete from homestay_order where id = any($10::bigint[]))
select homestay_id, night, taken, stock, version from now order by homestay_id, night
"""


class Inserted(NamedTuple):
    """`order_id`: None when nothing was written: all slots of the user are taken (`had_slot` is false), or the order's
    number, the user's request key or the slot was taken by another order."""

    order_id: int | None
    had_slot: bool


class OrderNight(NamedTuple):
    order_id: int
    night: date
    units: int


async def insert_orders(
    tx: ArrayTransaction, orders: Sequence[dict[str, object]], most_unpaid: int
) -> dict[str, Inserted]:
    """Insert orders, each in one of its user's `most_unpaid` slots for unpaid orders. The orders have the same columns and
    different numbers; the result is by number.

    The bound is a unique index over the slots of unpaid orders. A count would need a lock, and that a statement of its own
    before it, as a statement sees what was there when it began; a counter would have to be lowered wherever an order is
    paid or closed. The index costs no statement, and gives a slot back with the order's state."""
    rows = json.dumps(orders, ensure_ascii=False, default=str)
    inserted = await tx.fetch(_insert_orders(tuple(orders[0])), rows, most_unpaid)
    return {row["sn"]: Inserted(row["id"], row["had_slot"]) for row in inserted}


async def lock_nights(tx: ArrayTransaction, wanted: Collection[NightKey], *, wait: bool) -> dict[NightKey, Held | None]:
    """Those of the nights that have a row, locked until the transaction ends; unless it shall `wait` for them, None for
    those that another transaction holds."""
    rows = await tx.fetch(_LOCK_NIGHTS if wait else _LOCK_FREE_NIGHTS, *columns(wanted))
    return {
        (row["homestay_id"], row["night"]): None
        if row["taken"] is None
        else Held(row["taken"], row["stock"], row["sold_by"])
        for row in rows
    }


async def write(
    tx: ArrayTransaction,
    taken: Sequence[Taken],
    nights: Sequence[OrderNight],
    kept: Sequence[int],
    refused: Sequence[int],
) -> dict[int, list[NightState]]:
    """Take units of nights and note which order holds them, write the first transition of the orders `kept`, and delete the
    rows of those `refused`. Returns the nights as they are now, by homestay and date. One is left out when another
    transaction took it first since it was found to have no row: then the caller has to roll back."""
    rows = await tx.fetch(_WRITE, *_arrays(taken, Taken), *_arrays(nights, OrderNight), kept, refused)
    now: dict[int, list[NightState]] = {}
    for homestay_id, *state in rows:
        now.setdefault(homestay_id, []).append(NightState(*state))
    return now


def _arrays(rows: Sequence[tuple[object, ...]], kind: type[Taken | OrderNight]) -> list[Sequence[object]]:
    return columns(rows) if rows else [()] * len(kind._fields)
