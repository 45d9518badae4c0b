"""Which nights of a homestay are free, and which stays are near one that is not. Pure; nights are dates in Shanghai."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from travel.night_prices import NightOffer, nights_between

NEAREST = 3
DAYS_AROUND = 30
"""How far from the dates that were asked for another stay is looked for."""


@dataclass(frozen=True)
class FreeNight:
    """`free`: units that are left, 0 where the night is not sold (`closed`); `price_fen`: of one unit."""

    night: date
    price_fen: int
    free: int
    closed: bool


def free_nights(
    offers: Iterable[NightOffer], taken: Mapping[date, int], *, stock: int, first: date, last: date
) -> list[FreeNight]:
    """One for each offer. Nights before `first` and after `last` are not sold. More may be taken than there is stock, when
    a host has lowered it."""
    return [
        FreeNight(
            each.night,
            each.price_fen,
            free=0 if (closed := each.closed or not first <= each.night <= last) else _left(stock, taken, each.night),
            closed=closed,
        )
        for each in offers
    ]


def _left(stock: int, taken: Mapping[date, int], night: date) -> int:
    return max(0, stock - taken.get(night, 0))


def nearest_stays(
    nights: Iterable[FreeNight], start: date, length: int, units: int, *, last_start: date
) -> list[tuple[date, date]]:
    """At most three stays of `length` nights that have `units` free throughout, as (first night, day of departure); the one
    that begins nearest to `start` first, the earlier one of two. None begins after `last_start`, and never the
    one at `start` itself."""
    free = {each.night for each in nights if each.free >= units}
    starts = (start + timedelta(days=sign * distance) for distance in range(1, DAYS_AROUND + 1) for sign in (-1, 1))
    stays = ((first, first + timedelta(days=length)) for first in starts if first <= last_start)
    found = [stay for stay in stays if free.issuperset(nights_between(*stay))]
    return found[:NEAREST]
