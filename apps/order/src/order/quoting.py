"""What a stay would cost, night by night, and whether all of it is free: told before ordering, so that no front end
computes money. It promises nothing: only an order takes nights."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from order import cancelling, night_repository, pricing
from order.cancelling import CancelPolicy, RefundStep
from order.errors import HomestayNotFound
from order.peers import Homestay, TravelPeer
from order.pricing import Price, Stay
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.errors import Unavailable


@dataclass(frozen=True)
class Quote:
    """`full`: the first night that has too little left; `closed`: the first that is not sold; None when there is none.
    `nearest`: stays nearby that are free, when this one is not; the nearest first; `refund_steps`: what would go back
    until when."""

    price: Price
    full: date | None
    closed: date | None
    cancel_policy: CancelPolicy
    refund_steps: Sequence[RefundStep]
    nearest: list[Stay]


async def priced(
    travel: TravelPeer, homestay_id: int, stay: Stay, now: datetime, *, people: int, food: bool
) -> tuple[Homestay, Price]:
    """The homestay as travel has it now, and what the stay costs there: for a quote and for an order. Raises
    HomestayNotFound, the errors of pricing, PeerUnavailable. Closed nights have a price too (`pricing.first_closed`)."""
    pricing.require_bookable(stay, now)
    homestay = await travel.homestay(homestay_id, stay)
    if homestay is None:
        raise HomestayNotFound(f"homestay {homestay_id}", field="homestayId")
    pricing.require_offered(homestay, stay, now, people=people)
    return homestay, pricing.price(homestay, people=people, food=food)


@dataclass(kw_only=True, eq=False)
class Quoting:
    db: Database
    clock: Clock
    travel: TravelPeer

    async def quote(self, homestay_id: int, stay: Stay, *, people: int, food: bool) -> Quote:
        """By the rules of an order. Raises HomestayNotFound, the errors of pricing, PeerUnavailable."""
        now = self.clock()
        homestay, price = await priced(self.travel, homestay_id, stay, now, people=people, food=food)
        units = pricing.units(homestay, people)
        async with self.db.read() as session:
            full = await night_repository.first_full(
                session,
                homestay_id,
                stay.start,
                stay.nights,
                units=units,
                stock=homestay.stock,
                sold_by=homestay.sold_by,
            )
        closed = pricing.first_closed(homestay)
        nearest = await self._nearest(homestay, stay, units) if full or closed else []
        policy = homestay.cancel_policy
        steps = cancelling.steps_to_come(policy, stay, price.total_fen, now)
        return Quote(price, full, closed, policy, steps, nearest)

    async def _nearest(self, homestay: Homestay, stay: Stay, units: int) -> list[Stay]:
        """What travel knows to be free nearby and our rows confirm; none while travel does not answer in time."""
        try:
            stays = await self.travel.free_stays(homestay.id, stay, units)
        except Unavailable:
            return []
        async with self.db.read() as session:
            return [
                each
                for each in stays
                if not await night_repository.first_full(
                    session,
                    homestay.id,
                    each.start,
                    each.nights,
                    units=units,
                    stock=homestay.stock,
                    sold_by=homestay.sold_by,
                )
            ]
