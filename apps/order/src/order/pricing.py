"""Price of a stay, and whether it can be booked. Pure functions; amounts in fen.

Nights are calendar nights in Asia/Shanghai: a client's times are converted to days there. The same price rule is written in
the gateway's js/price.js (what the page shows) and travel/repository.py (the cheapest night of a shop).
"""

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
    TooManyPeople,
)
from servicekit.clock import SHANGHAI

MOST_NIGHTS = 90
MOST_DAYS_AHEAD = 365
BY_ROOM, BY_PERSON = 0, 1
LARGEST_TOTAL_FEN = 2**31 - 1
"""WeChat Pay's limit: amounts are 32-bit integers."""
NOON = time(12)
"""Ends the time for free refunds on the first day, and check-in on the day of departure (`Stay`); a night begins then.
Pages say so too: the gateway's `locale/`."""


class Offer(Protocol):
    """The attributes of a homestay that the price depends on."""

    @property
    def on_sale(self) -> bool: ...
    @property
    def people_num(self) -> int: ...
    @property
    def sold_by(self) -> int: ...
    @property
    def homestay_price_fen(self) -> int: ...
    @property
    def food_price_fen(self) -> int: ...


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
class Price:
    homestay_fen: int
    food_fen: int

    @property
    def total_fen(self) -> int:
        return self.homestay_fen + self.food_fen


def require_bookable(stay: Stay, now: datetime) -> None:
    """Raises StartInThePast, StartTooFar, NoNights or StayTooLong. A stay may begin today."""
    today = now.astimezone(SHANGHAI).date()
    if stay.start < today:
        raise StartInThePast(f"begins {stay.start}, today is {today}", field="liveStartTime")
    if stay.start > today + timedelta(days=MOST_DAYS_AHEAD):
        raise StartTooFar(f"begins {stay.start}", field="liveStartTime", most=MOST_DAYS_AHEAD)
    if stay.nights < 1:
        raise NoNights(f"{stay.start} to {stay.end} has no night", field="liveEndTime")
    if stay.nights > MOST_NIGHTS:
        raise StayTooLong(f"{stay.nights} nights", field="liveEndTime", most=MOST_NIGHTS)


def units(offer: Offer, people: int) -> int:
    """How much of the stock of each night the stay takes: a bed for each person, or one room."""
    return people if offer.sold_by == BY_PERSON else 1


def nightly(offer: Offer, *, people: int, food: bool) -> Price:
    return Price(
        homestay_fen=offer.homestay_price_fen * units(offer, people),
        food_fen=offer.food_price_fen * people if food else 0,
    )


def quote(offer: Offer, stay: Stay, *, people: int, food: bool) -> Price:
    """Nights × price, × people when sold by person; food is charged per person and night. Raises NotOnSale, TooManyPeople,
    PriceOutOfRange.

    The same rule, food included, is in the gateway's js/price.js (the page); travel/repository.py has the room alone.
    """
    if not offer.on_sale:
        raise NotOnSale("the homestay is not on sale", field="homestayId")
    if not 1 <= people <= offer.people_num:
        raise TooManyPeople(f"{people} of {offer.people_num}", field="livePeopleNum", most=offer.people_num)
    night = nightly(offer, people=people, food=food)
    price = Price(homestay_fen=stay.nights * night.homestay_fen, food_fen=stay.nights * night.food_fen)
    if not 1 <= price.total_fen <= LARGEST_TOTAL_FEN:
        raise PriceOutOfRange(f"{price.total_fen} fen", field="homestayId")
    return price
