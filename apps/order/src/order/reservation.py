"""Inserts orders with their nights. What comes together is one transaction: while one is under way, the next one gathers.
A refusal is of its own order alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from order import events, reservation_repository
from order.models import NightState
from order.night_fitting import Nights, WantedNights
from order.reservation_repository import Inserted, OrderNight
from servicekit.arrays import REFUSED_VALUES, ArrayTransaction
from servicekit.clock import Clock
from servicekit.collector import Collector
from servicekit.db import Database
from servicekit.outbox import OutgoingEvent, publish_later

MOST_AT_ONCE, LONGEST_WAIT_SECONDS = 100, 3.0
NIGHTS_OF_AN_EVENT = 90
"""At most, by its contract."""


@dataclass(frozen=True)
class NewOrder:
    """The nights that an order takes, and all columns of its row but its slot."""

    sn: str
    user_id: int
    wanted: WantedNights
    columns: dict[str, object]


class Outcome(NamedTuple):
    """Of a new order. Unless `stored`, nothing of it was written: `full_night` is the first date with too little left;
    not `had_slot`: all slots of the user are taken; else its number, the user's request key or the slot was taken by
    another order, or its nights changed meanwhile."""

    stored: bool = False
    full_night: date | None = None
    had_slot: bool = True


class _OvertakenError(Exception):
    """A night that had no row was taken by another transaction meanwhile, and not enough of it is left."""


@dataclass(kw_only=True, eq=False)
class Reservations:
    db: Database
    clock: Clock
    most_unpaid: int
    """Orders of one user that may wait for their payment: each holds nights that are not paid for."""
    _new: Collector[NewOrder, Outcome] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._new = Collector(
            self._insert, name="insert orders", batch=MOST_AT_ONCE, longest_seconds=LONGEST_WAIT_SECONDS
        )

    async def insert(self, order: NewOrder) -> Outcome:
        """Raises DatabaseUnavailable, Unavailable when too many wait, and one of REFUSED_VALUES for a value that the table
        refuses."""
        return await self._new.submit(order)

    async def _insert(self, orders: Sequence[NewOrder]) -> list[Outcome | Exception]:
        try:
            async with self.db.arrays() as tx:
                return list(await self._insert_together(tx, orders))
        except _OvertakenError:
            if len(orders) == 1:
                return [Outcome()]
        except REFUSED_VALUES as error:  # a value of one is at fault: alone, each shows which
            if len(orders) == 1:
                return [error]
        return [(await self._insert([each]))[0] for each in orders]

    async def _insert_together(self, tx: ArrayTransaction, orders: Sequence[NewOrder]) -> list[Outcome]:
        by_sn: dict[str, NewOrder] = {}
        for each in orders:
            by_sn.setdefault(each.sn, each)
        inserted = await reservation_repository.insert_orders(
            tx, [each.columns for each in by_sn.values()], self.most_unpaid
        )
        stored = {row.order_id: each for each in by_sn.values() if (row := inserted[each.sn]).order_id is not None}
        full = await self._take_nights(tx, stored) if stored else {}
        gave_back = {each.user_id for each in orders if inserted[each.sn].order_id in full}
        return [
            Outcome() if each is not by_sn[each.sn] else _outcome(inserted[each.sn], full, each.user_id in gave_back)
            for each in orders
        ]

    async def _take_nights(self, tx: ArrayTransaction, stored: Mapping[int, NewOrder]) -> dict[int, date]:
        """For inserted orders, by id. Writes those that fit and deletes the others; returns the first full night of each of
        these. Last: others wait for these rows until the commit."""
        keys = {key for each in stored.values() for key in each.wanted.keys}
        nights = Nights(await reservation_repository.lock_nights(tx, keys))
        found = {order_id: nights.take(each.wanted) for order_id, each in stored.items()}
        full = {order_id: night for order_id, night in found.items() if night is not None}
        kept = {order_id: each for order_id, each in stored.items() if order_id not in full}
        held = [
            OrderNight(order_id, night, each.wanted.units)
            for order_id, each in kept.items()
            for night in each.wanted.nights
        ]
        now = await reservation_repository.write(tx, nights.taken(), held, list(kept), list(full))
        if sum(map(len, now.values())) < len(nights.taken()):
            raise _OvertakenError
        await publish_later(tx, *_told(now, list(kept.values()), self.clock()))
        return full


def _outcome(inserted: Inserted, full: Mapping[int, date], slot_given_back: bool) -> Outcome:
    if inserted.order_id is None:
        return Outcome(had_slot=inserted.had_slot or slot_given_back)
    night = full.get(inserted.order_id)
    return Outcome(stored=night is None, full_night=night)


def _told(
    now: Mapping[int, Sequence[NightState]], kept: Sequence[NewOrder], changed_at: datetime
) -> list[OutgoingEvent]:
    """An event for each homestay, under the number of the first order that took nights of it."""
    first_sn = {each.wanted.homestay_id: each.sn for each in reversed(kept)}
    return [
        events.nights_updated(
            first_sn[homestay_id], homestay_id, nights[first : first + NIGHTS_OF_AN_EVENT], changed_at=changed_at
        )
        for homestay_id, nights in now.items()
        for first in range(0, len(nights), NIGHTS_OF_AN_EVENT)
    ]
