"""A homestay's month as its host sees it, and what the host sets by date: prices, and nights that are not sold."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from servicekit.clock import SHANGHAI, Clock
from servicekit.db import Database
from servicekit.errors import InvalidInput
from travel import night_repository
from travel.errors import HomestayNotFound, NightsOutOfRange
from travel.hosting import changes, repository
from travel.hosting.repository import ChangedNight
from travel.models import Homestay
from travel.night_prices import PriceSource, nights_between, price_of

MOST_NIGHTS_AT_ONCE = 370
MOST_DAYS_AHEAD = 730


@dataclass(frozen=True)
class CalendarNight:
    """`price_fen`: of one unit. `closed`: by the host. `taken`: rooms or beds of `stock` that are sold; it may
    lag by seconds. `blocked_by`: the foreign calendars that have taken it."""

    night: date
    price_fen: int
    source: PriceSource
    closed: bool
    taken: int
    stock: int
    blocked_by: list[str]


@dataclass(frozen=True)
class DatesChange:
    """What to set for the nights with start ≤ night < end. `sets_price` with `price_fen` None: no price of their own.
    `closed` None: as it is. `reset`: neither price nor closed."""

    start: date
    end: date
    sets_price: bool
    price_fen: int | None
    closed: bool | None
    reset: bool


@dataclass(kw_only=True, eq=False)
class HostCalendar:
    db: Database
    clock: Clock

    async def month(self, user_id: int, homestay_id: int, first: date) -> list[CalendarNight]:
        """The nights of the month that begins at `first`. Raises HomestayNotFound, also for another host's."""
        end = (first + timedelta(days=31)).replace(day=1)
        async with self.db.read() as session:
            homestay = _found(await repository.own_homestay(session, user_id, homestay_id))
            by_night = {each.night: each for each in await repository.dates(session, homestay_id, first, end)}
            taken = await night_repository.taken(session, homestay_id, first, end)
            blocked = await repository.blocked_by(session, homestay_id, first, end)
        nights = []
        for night in nights_between(first, end):
            setting = by_night.get(night)
            price_fen, source = price_of(homestay, setting, night)
            nights.append(
                CalendarNight(
                    night=night,
                    price_fen=price_fen,
                    source=source,
                    closed=setting is not None and setting.closed,
                    taken=taken.get(night, 0),
                    stock=homestay.stock,
                    blocked_by=blocked.get(night, []),
                )
            )
        return nights

    async def set_dates(self, user_id: int, homestay_id: int, change: DatesChange) -> int:
        """Returns how many nights were set. Orders keep their price, and nights that are sold stay sold. Raises
        HomestayNotFound, NightsOutOfRange; InvalidInput when nothing is to be set, or `reset` comes with something."""
        count = self._count(change)
        async with self.db.transaction() as tx:
            _found(await repository.own_homestay(tx, user_id, homestay_id, lock=True))
            changed = await repository.set_dates(
                tx,
                homestay_id,
                change.start,
                count,
                sets_price=change.sets_price or change.reset,
                price_fen=change.price_fen,
                closed=False if change.reset else change.closed,
            )
            before, after = _audited(changed)
            if changed:
                now, action = self.clock(), "setDates"
                changes.record(tx, now, user_id, action, before=before, after=after, homestay_id=homestay_id)
        return count

    def _count(self, change: DatesChange) -> int:
        if change.reset and (change.sets_price or change.closed is not None):
            raise InvalidInput("reset removes price and closed: give it alone", field="reset")
        if not (change.reset or change.sets_price or change.closed is not None):
            raise InvalidInput("give priceFen, closed or reset", field="priceFen")
        today = self.clock().astimezone(SHANGHAI).date()
        count = (change.end - change.start).days
        limits = {"most": MOST_NIGHTS_AT_ONCE, "ahead": MOST_DAYS_AHEAD}
        if change.start < today:
            raise NightsOutOfRange(f"begins {change.start}, today is {today}", field="start", **limits)
        if not 1 <= count <= MOST_NIGHTS_AT_ONCE or (change.end - today).days > MOST_DAYS_AHEAD:
            raise NightsOutOfRange(f"{count} nights until {change.end}", field="end", **limits)
        return count


def _found(homestay: Homestay | None) -> Homestay:
    if homestay is None:
        raise HomestayNotFound("no such homestay of this host", field="id")
    return homestay


def _audited(changed: list[ChangedNight]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Before and after, of the nights that differ."""
    before = [
        {"night": each.night.isoformat(), "priceFen": each.price_before, "closed": each.closed_before}
        for each in changed
    ]
    after = [{"night": each.night.isoformat(), "priceFen": each.price_fen, "closed": each.closed} for each in changed]
    return {"nights": before}, {"nights": after}
