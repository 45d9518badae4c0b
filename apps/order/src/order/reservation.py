"""Inserts orders with their nights. What comes together is one transaction: while one is under way, the next one gathers.
A refusal is of its own order alone, and so is the wait for a night that another transaction holds."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from weakref import WeakValueDictionary

from order import events, reservation_repository
from order.models import NightState
from order.night_fitting import Nights, WantedNights
from order.reservation_repository import Inserted, OrderNight
from servicekit.arrays import REFUSED_VALUES, ArrayTransaction
from servicekit.clock import Clock
from servicekit.collector import Collector
from servicekit.db import Database
from servicekit.errors import DatabaseUnavailable, Unavailable
from servicekit.outbox import OutgoingEvent, publish_later

MOST_AT_ONCE, LONGEST_WAIT_SECONDS = 100, 3.0
TRIES_TOGETHER = 2
MOST_ALONE, MOST_WAITING = 4, 3
"""Transactions of one order each at a time, and of these that wait for a night: each has a connection of the pool."""
LOCK_TIMEOUT_MS = 300
"""Of a transaction of many: for slots, request keys and nights without a row, which another transaction may be inserting.
Shorter than PostgreSQL's `deadlock_timeout`."""
LOCKED = {"55P03", "40P01", "40001"}
"""SQLSTATE: lock not available, deadlock detected, serialization failure."""
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
    another order, or its nights changed meanwhile. `busy`: another transaction holds what it needs."""

    stored: bool = False
    full_night: date | None = None
    had_slot: bool = True
    busy: bool = False


@dataclass(kw_only=True, eq=False)
class Reservations:
    db: Database
    clock: Clock
    most_unpaid: int
    """Orders of one user that may wait for their payment: each holds nights that are not paid for."""
    _new: Collector[NewOrder, Outcome] = field(init=False, repr=False)
    _alone: asyncio.Semaphore = field(init=False, repr=False)
    _waiting: asyncio.Semaphore = field(init=False, repr=False)
    _turns: WeakValueDictionary[int, asyncio.Lock] = field(init=False, repr=False)
    """By homestay: of one whose nights are held for long, a single order waits with a connection."""

    def __post_init__(self) -> None:
        self._alone, self._waiting = asyncio.Semaphore(MOST_ALONE), asyncio.Semaphore(MOST_WAITING)
        self._turns = WeakValueDictionary()
        self._new = Collector(
            self._insert, name="insert orders", batch=MOST_AT_ONCE, longest_seconds=LONGEST_WAIT_SECONDS
        )

    async def insert(self, order: NewOrder) -> Outcome:
        """Raises DatabaseUnavailable, Unavailable when too many wait, and one of REFUSED_VALUES for a value that the table
        refuses. Whichever is raised, nothing was written, unless the connection was lost at the commit."""
        for _ in range(TRIES_TOGETHER):
            outcome = await self._new.submit(order)
            if not outcome.busy:
                return outcome
        async with self._alone:  # another order may have been in the way
            [outcome] = await self._insert([order])
        if not outcome.busy:
            return outcome
        async with self._turn(order.wanted.homestay_id):
            return await self._insert_waiting(order)

    async def _insert(self, orders: Sequence[NewOrder]) -> list[Outcome]:
        try:
            async with self.db.arrays(lock_timeout_ms=LOCK_TIMEOUT_MS) as tx:
                return await self._insert_all(tx, orders, wait=False)
        except REFUSED_VALUES:  # the value of one is at fault: alone, each shows which
            pass
        except Unavailable as error:
            if isinstance(error, DatabaseUnavailable) and getattr(error.__cause__, "sqlstate", None) not in LOCKED:
                raise
        return [Outcome(busy=True)] * len(orders)

    async def _insert_waiting(self, order: NewOrder) -> Outcome:
        try:
            async with self.db.arrays() as tx:
                [outcome] = await self._insert_all(tx, [order], wait=True)
                return outcome
        except Unavailable as error:
            if isinstance(error, DatabaseUnavailable):
                raise
            return Outcome()

    @asynccontextmanager
    async def _turn(self, homestay_id: int) -> AsyncIterator[None]:
        turn = self._turns.setdefault(homestay_id, asyncio.Lock())
        try:
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                await turn.acquire()
        except TimeoutError:
            raise Unavailable("others wait for the nights of this homestay", retry_after=1) from None
        try:
            async with self._waiting:
                yield
        finally:
            turn.release()

    async def _insert_all(self, tx: ArrayTransaction, orders: Sequence[NewOrder], *, wait: bool) -> list[Outcome]:
        by_sn: dict[str, NewOrder] = {}
        for each in orders:
            by_sn.setdefault(each.sn, each)
        inserted = await reservation_repository.insert_orders(
            tx, [each.columns for each in by_sn.values()], self.most_unpaid
        )
        stored = {row.order_id: each for each in by_sn.values() if (row := inserted[each.sn]).order_id is not None}
        refused = await self._take_nights(tx, stored, wait=wait) if stored else {}
        gave_back = {each.user_id for each in orders if inserted[each.sn].order_id in refused}
        return [
            Outcome() if each is not by_sn[each.sn] else _outcome(inserted[each.sn], refused, each.user_id in gave_back)
            for each in orders
        ]

    async def _take_nights(
        self, tx: ArrayTransaction, stored: Mapping[int, NewOrder], *, wait: bool
    ) -> dict[int, Outcome]:
        """For inserted orders, by id. Writes those that fit and deletes the others; returns the outcome of each of these.
        Last: others wait for these rows until the commit."""
        keys = {key for each in stored.values() for key in each.wanted.keys}
        found = await reservation_repository.lock_nights(tx, keys, wait=wait)
        nights = Nights({key: held for key, held in found.items() if held is not None})
        held_elsewhere = {key for key, held in found.items() if held is None}
        refused: dict[int, Outcome] = {}
        for order_id, each in stored.items():
            if not held_elsewhere.isdisjoint(each.wanted.keys):
                refused[order_id] = Outcome(busy=True)
            elif full := nights.take(each.wanted):
                refused[order_id] = Outcome(full_night=full)
        kept = {order_id: each for order_id, each in stored.items() if order_id not in refused}
        held = [
            OrderNight(order_id, night, each.wanted.units)
            for order_id, each in kept.items()
            for night in each.wanted.nights
        ]
        now = await reservation_repository.write(tx, nights.taken(), held, list(kept), list(refused))
        if sum(map(len, now.values())) < len(nights.taken()):
            raise Unavailable("a night that had no row was taken by another transaction meanwhile")
        await publish_later(tx, *_told(now, list(kept.values()), self.clock()))
        return refused


def _outcome(inserted: Inserted, refused: Mapping[int, Outcome], slot_given_back: bool) -> Outcome:
    if inserted.order_id is None:
        return Outcome(had_slot=inserted.had_slot or slot_given_back)
    return refused.get(inserted.order_id) or Outcome(stored=True)


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
