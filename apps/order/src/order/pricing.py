"""Price of a stay, and whether it can be booked. Pure functions; amounts in fen.

Nights are calendar nights in Asia/Shanghai: a client's times are converted to days there. What one unit costs for a night
is travel's rule (travel/night_prices.py); what a stay takes and costs is decided here: pages ask for a quote. Only search
sums up by itself (travel/search_repository.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol

from order.errors import (
    NoNights,
    NotOnSale,
    PriceOutOfRange,
    StartInThePast,
    StartTooFar,
    StayTooLong,
    TooFewNights,
    TooManyPeople,
)
from servicekit.clock import SHANGHAI

MOST_NIGHTS, MOST_DAYS_AHEAD = 90, 365
"""As in travel/models.py, and in forms: tests/contract/test_stay_limits.py."""
BY_ROOM, BY_PERSON = 0, 1
LARGEST_TOTAL_FEN = 2**31 - 1
"""WeChat Pay's limit: amounts are 32-bit integers."""
NOON = time(12)
"""Ends the time for free refunds on the first day, and check-in on the day of departure (`Stay`); a night begins then.
Pages say so too: the gateway's `locale/`."""


class NightOffer(Protocol):
    """One night of a homestay. `price_fen`: of one unit."""

    @property
    def night(self) -> date: ...
    @property
    def price_fen(self) -> int: ...
    @property
    def closed(self) -> bool: ...


class Offer(Protocol):
    """What a homestay offers for the nights of a stay, and its limits. `food_price_fen`: for one person and night."""

    @property
    def on_sale(self) -> bool: ...
    @property
    def people_num(self) -> int: ...
    @property
    def sold_by(self) -> int: ...
    @property
    def food_price_fen(self) -> int: ...
    @property
    def min_nights(self) -> int: ...
    @property
    def max_nights(self) -> int: ...
    @property
    def days_ahead(self) -> int: ...
    @property
    def nights(self) -> Sequence[NightOffer]: ...


@dataclass(frozen=True)
class Stay:
    """First day and day of departure, as dates in Asia/Shanghai."""

    start: date
    end: date

    @classmethod
    def between(cls, start: datetime, end: datetime) -> "Stay":
        return cls(start.astimezone(SHANGHAI).date(), end.astimezone(SHANGHAI).date())

    @property
    def nights(self) -> int:
        return (self.end - self.start).days

    @property
    def dates(self) -> list[date]:
        """The date of each night."""
        return [self.start + timedelta(days=number) for number in range(self.nights)]

    @property
    def begins_at(self) -> datetime:
        return datetime.combine(self.start, time(), SHANGHAI)

    @property
    def refundable_until(self) -> datetime:
        """Noon of the first day: until then a refund request is agreed to automatically, later the merchant decides."""
        return datetime.combine(self.start, NOON, SHANGHAI)

    @property
    def ends_at(self) -> datetime:
        """Noon of the day of departure: from then on check-in is refused."""
        return datetime.combine(self.end, NOON, SHANGHAI)


def last_day_over(now: datetime) -> date:
    """The latest day of departure whose noon has passed at `now`."""
    there = now.astimezone(SHANGHAI)
    return there.date() if there.time() >= NOON else there.date() - timedelta(days=1)


def first_night_to_come(now: datetime) -> date:
    """The earliest night that has not begun at `now`: a night begins at noon of its date."""
    return last_day_over(now) + timedelta(days=1)


@dataclass(frozen=True)
class Line:
    """What one night of a stay costs."""

    night: date
    homestay_fen: int
    food_fen: int


@dataclass(frozen=True)
class Price:
    """What a stay costs: the sums of its lines, one for each night, in order."""

    lines: tuple[Line, ...]

    @property
    def homestay_fen(self) -> int:
        return sum(line.homestay_fen for line in self.lines)

    @property
    def food_fen(self) -> int:
        return sum(line.food_fen for line in self.lines)

    @property
    def total_fen(self) -> int:
        return self.homestay_fen + self.food_fen


def require_bookable(stay: Stay, now: datetime) -> None:
    """Refuses what no homestay can sell: raises StartInThePast, StartTooFar, NoNights or StayTooLong. A stay may begin
    today."""
    today = now.astimezone(SHANGHAI).date()
    if stay.start < today:
        raise StartInThePast(f"begins {stay.start}, today is {today}", field="liveStartTime")
    _require_near(stay, now, MOST_DAYS_AHEAD)
    if stay.nights < 1:
        raise NoNights(f"{stay.start} to {stay.end} has no night", field="liveEndTime")
    _require_at_most(stay, MOST_NIGHTS)


def require_offered(offer: Offer, stay: Stay, now: datetime, *, people: int) -> None:
    """By the homestay's own limits. Raises NotOnSale, TooManyPeople, StartTooFar, TooFewNights or StayTooLong."""
    if not offer.on_sale:
        raise NotOnSale("the homestay is not on sale", field="homestayId")
    if not 1 <= people <= offer.people_num:
        raise TooManyPeople(f"{people} of {offer.people_num}", field="livePeopleNum", most=offer.people_num)
    _require_near(stay, now, offer.days_ahead)
    if stay.nights < offer.min_nights:
        raise TooFewNights(f"{stay.nights} nights", field="liveEndTime", min_nights=offer.min_nights)
    _require_at_most(stay, offer.max_nights)


def _require_near(stay: Stay, now: datetime, days_ahead: int) -> None:
    if stay.start > now.astimezone(SHANGHAI).date() + timedelta(days=days_ahead):
        raise StartTooFar(f"begins {stay.start}", field="liveStartTime", days_ahead=days_ahead)


def _require_at_most(stay: Stay, max_nights: int) -> None:
    if stay.nights > max_nights:
        raise StayTooLong(f"{stay.nights} nights", field="liveEndTime", max_nights=max_nights)


def first_closed(offer: Offer) -> date | None:
    """The first night of the stay that is not sold; None when all are."""
    return next((each.night for each in offer.nights if each.closed), None)


def units(offer: Offer, people: int) -> int:
    """How much of the stock of each night the stay takes: a bed for each person, or one room."""
    return people if offer.sold_by == BY_PERSON else 1


def price(offer: Offer, *, people: int, food: bool) -> Price:
    """Each night's price × units; food is charged per person and night. Raises PriceOutOfRange."""
    taken, food_fen = units(offer, people), offer.food_price_fen * people if food else 0
    total = Price(tuple(Line(each.night, each.price_fen * taken, food_fen) for each in offer.nights))
    if not 1 <= total.total_fen <= LARGEST_TOTAL_FEN:
        raise PriceOutOfRange(f"{total.total_fen} fen", field="homestayId")
    return total
