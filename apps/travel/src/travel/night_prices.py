"""What one unit of a homestay costs for each night, and which nights are not sold. Pure; prices in fen, nights are dates in
Asia/Shanghai.

A unit is the room, or one person's place where the homestay is sold by person. How many units a stay takes, and what they
sum up to, is order's rule (order/pricing.py).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol

FRIDAY, SATURDAY = 4, 5
WEEKEND_NIGHTS = frozenset({FRIDAY, SATURDAY})
"""By `date.weekday`: the nights before a day off."""


class Prices(Protocol):
    @property
    def homestay_price_fen(self) -> int: ...
    @property
    def weekend_price_fen(self) -> int | None: ...


class DateSetting(Protocol):
    """What a host set for one night; `price_fen` None keeps the base or weekend price."""

    @property
    def night(self) -> date: ...
    @property
    def price_fen(self) -> int | None: ...
    @property
    def closed(self) -> bool: ...


class PriceSource(StrEnum):
    BASE = "base"
    WEEKEND = "weekend"
    DATE = "date"


@dataclass(frozen=True)
class NightOffer:
    """`price_fen`: of one unit, also of a closed night."""

    night: date
    price_fen: int
    closed: bool


def nights_between(start: date, end: date) -> list[date]:
    """The nights with start ≤ night < end; none when `end` is not later."""
    return [start + timedelta(days=number) for number in range((end - start).days)]


def night_offers(
    prices: Prices, settings: Iterable[DateSetting], start: date, end: date, *, blocked: Collection[date]
) -> list[NightOffer]:
    """One for each night with start ≤ night < end, in order. The price set for the date counts before the weekend price,
    and that before the base price. Nights in `blocked` are closed. `settings` of other nights are ignored."""
    by_night = {each.night: each for each in settings}
    return [
        _offer(prices, by_night.get(night), night, is_blocked=night in blocked) for night in nights_between(start, end)
    ]


def price_of(prices: Prices, setting: DateSetting | None, night: date) -> tuple[int, PriceSource]:
    """What one unit costs for a night, and which of the three prices that is."""
    if setting is not None and setting.price_fen is not None:
        return setting.price_fen, PriceSource.DATE
    if prices.weekend_price_fen is not None and night.weekday() in WEEKEND_NIGHTS:
        return prices.weekend_price_fen, PriceSource.WEEKEND
    return prices.homestay_price_fen, PriceSource.BASE


def _offer(prices: Prices, setting: DateSetting | None, night: date, *, is_blocked: bool) -> NightOffer:
    price_fen, _ = price_of(prices, setting, night)
    return NightOffer(night, price_fen, closed=is_blocked or (setting is not None and setting.closed))
