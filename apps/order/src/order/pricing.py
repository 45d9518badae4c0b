"""What a stay costs and whether it may be booked. Pure: the same words in, the same fen out.

Nights are calendar nights in Asia/Shanghai: a client's clock times are first turned into days there.
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
"""Payment providers count fen in 32 bits."""
NOON = time(12)


class Offer(Protocol):
    """What pricing needs to know of a homestay."""

    @property
    def on_sale(self) -> bool: ...
    @property
    def people_num(self) -> int: ...
    @property
    def row_type(self) -> int: ...
    @property
    def homestay_price_fen(self) -> int: ...
    @property
    def food_price_fen(self) -> int: ...


@dataclass(frozen=True)
class Stay:
    """From the first day to the day of departure, both days in Asia/Shanghai."""

    start: date
    end: date

    @classmethod
    def between(cls, start: datetime, end: datetime) -> "Stay":
        return cls(start.astimezone(SHANGHAI).date(), end.astimezone(SHANGHAI).date())

    @property
    def nights(self) -> int:
        return (self.end - self.start).days

    @property
    def begins_at(self) -> datetime:
        return datetime.combine(self.start, time(), SHANGHAI)

    @property
    def refundable_until(self) -> datetime:
        """Noon of the first day: until then the buyer may leave by the rule, afterwards the merchant decides."""
        return datetime.combine(self.start, NOON, SHANGHAI)

    @property
    def ends_at(self) -> datetime:
        """Noon after the last night: from then the stay cannot be begun any more."""
        return datetime.combine(self.end, NOON, SHANGHAI)


def last_day_over(now: datetime) -> date:
    """The latest day of departure whose noon has passed."""
    there = now.astimezone(SHANGHAI)
    return there.date() if there.time() >= NOON else there.date() - timedelta(days=1)


@dataclass(frozen=True)
class Price:
    homestay_fen: int
    food_fen: int

    @property
    def total_fen(self) -> int:
        return self.homestay_fen + self.food_fen


def require_bookable(stay: Stay, now: datetime) -> None:
    """Raises the InvalidInput that names the wrong time; today is a good day to begin."""
    today = now.astimezone(SHANGHAI).date()
    if stay.start < today:
        raise StartInThePast(f"begins {stay.start}, today is {today}", field="liveStartTime")
    if stay.start > today + timedelta(days=MOST_DAYS_AHEAD):
        raise StartTooFar(f"begins {stay.start}", field="liveStartTime", most=MOST_DAYS_AHEAD)
    if stay.nights < 1:
        raise NoNights(f"{stay.start} to {stay.end} has no night", field="liveEndTime")
    if stay.nights > MOST_NIGHTS:
        raise StayTooLong(f"{stay.nights} nights", field="liveEndTime", most=MOST_NIGHTS)


def quote(offer: Offer, stay: Stay, *, people: int, food: bool) -> Price:
    """Nights × price, × people when sold by person; food is by person and night. Raises when it cannot be sold so.

    The rule stands also in the gateway's js/price.js (the page's preview) and, for one person, in travel/repository.py.
    """
    if not offer.on_sale:
        raise NotOnSale("the homestay is not on sale", field="homestayId")
    if not 1 <= people <= offer.people_num:
        raise TooManyPeople(f"{people} of {offer.people_num}", field="livePeopleNum", most=offer.people_num)
    heads = people if offer.row_type == BY_PERSON else 1
    price = Price(
        homestay_fen=stay.nights * offer.homestay_price_fen * heads,
        food_fen=stay.nights * offer.food_price_fen * people if food else 0,
    )
    if not 1 <= price.total_fen <= LARGEST_TOTAL_FEN:
        raise PriceOutOfRange(f"{price.total_fen} fen", field="homestayId")
    return price
