"""What a stay would cost, night by night, and whether all of it is free: told before ordering, so that no front end
computes money. It promises nothing: only an order takes nights."""

from dataclasses import dataclass
from datetime import date, datetime

from order import night_repository, pricing
from order.errors import HomestayNotFound
from order.peers import Homestay, TravelPeer
from order.pricing import Price, Stay
from servicekit.clock import Clock
from servicekit.db import Database


@dataclass(frozen=True)
class Quote:
    """`nights`: each date in Asia/Shanghai with its price; `total` is their sum; `full`: the first night that has too
    little left, None when there is none."""

    nights: dict[date, Price]
    total: Price
    full: date | None


async def priced(
    travel: TravelPeer, homestay_id: int, stay: Stay, now: datetime, *, people: int, food: bool
) -> tuple[Homestay, Price]:
    """The homestay as travel has it now, and what the stay costs there: for a quote and for an order. Raises
    HomestayNotFound, the errors of pricing, PeerUnavailable."""
    pricing.require_bookable(stay, now)
    homestay = await travel.homestay(homestay_id)
    if homestay is None:
        raise HomestayNotFound(f"homestay {homestay_id}", field="homestayId")
    return homestay, pricing.quote(homestay, stay, people=people, food=food)


@dataclass(kw_only=True, eq=False)
class Quoting:
    db: Database
    clock: Clock
    travel: TravelPeer

    async def quote(self, homestay_id: int, stay: Stay, *, people: int, food: bool) -> Quote:
        """By the rules of an order. Raises HomestayNotFound, the errors of pricing, PeerUnavailable."""
        homestay, total = await priced(self.travel, homestay_id, stay, self.clock(), people=people, food=food)
        units = pricing.units(homestay, people)
        async with self.db.read() as session:
            full = await night_repository.first_full(
                session, homestay_id, stay.start, stay.nights, units=units, stock=homestay.stock
            )
        return Quote(dict.fromkeys(stay.dates, pricing.nightly(homestay, people=people, food=food)), total, full)
