"""Taking an order: what it is, what it costs, until when it may be paid. Repeating a request takes it once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from order import pricing, repository
from order.errors import HomestayNotFound
from order.models import HomestayOrder, OrderTransition
from order.peers import Homestay, TravelPeer
from order.pricing import Price, Stay
from order.states import TradeState
from servicekit.clock import Clock, from_unix
from servicekit.db import Database, Transaction
from servicekit.errors import Unavailable
from servicekit.idempotency import IdempotencyMismatch
from servicekit.numbers import business_number

log = structlog.get_logger()
NUMBER_ATTEMPTS = 5


@dataclass(frozen=True)
class BookingRequest:
    """What a buyer asks for; times are unix seconds. `request_key` tells a repetition from a second wish."""

    user_id: int
    homestay_id: int
    live_start_time: int
    live_end_time: int
    live_people_num: int
    need_food: bool
    remark: str
    request_key: str | None = None

    @property
    def stay(self) -> Stay:
        return Stay.between(from_unix(self.live_start_time), from_unix(self.live_end_time))


@dataclass(kw_only=True, eq=False)
class Booking:
    db: Database
    clock: Clock
    travel: TravelPeer
    pay_window: timedelta

    async def create(self, wish: BookingRequest) -> str:
        """Answers the order's number; the same user and key get the same order, also after a crash in between."""
        async with self.db.read() as session:
            earlier = await _earlier(session, wish)
        if earlier:
            return _same(earlier, wish)
        pricing.require_bookable(wish.stay, self.clock())
        homestay = await self.travel.homestay(wish.homestay_id)
        if homestay is None:
            raise HomestayNotFound(f"homestay {wish.homestay_id}", field="homestayId")
        price = pricing.quote(homestay, wish.stay, people=wish.live_people_num, food=wish.need_food)
        async with self.db.transaction() as tx:
            return await self._insert(tx, wish, _row(wish, homestay, price))

    async def _insert(self, tx: Transaction, wish: BookingRequest, row: dict[str, object]) -> str:
        now = self.clock()
        close_at = now + self.pay_window
        row |= {"created_at": now, "close_at": close_at, "due_at": close_at}
        for _ in range(NUMBER_ATTEMPTS):
            sn = business_number("HSO", now)
            order_id = await repository.add(tx, row | {"sn": sn})
            if order_id is not None:
                await repository.add_transition(tx, _first_transition(order_id, now))
                log.info("order was taken", sn=sn, total_fen=row["order_total_fen"])
                return sn
            if earlier := await _earlier(tx, wish):  # asked twice at once
                return _same(earlier, wish)
        raise Unavailable("no free order number was found")


async def _earlier(tx: Transaction, wish: BookingRequest) -> HomestayOrder | None:
    if wish.request_key is None:
        return None
    return await repository.by_request_key(tx, wish.user_id, wish.request_key)


def _same(order: HomestayOrder, wish: BookingRequest) -> str:
    asked = (wish.homestay_id, wish.stay, wish.live_people_num, wish.need_food, wish.remark)
    took = (
        order.homestay_id,
        Stay(order.live_start_date, order.live_end_date),
        order.live_people_num,
        order.need_food,
        order.remark,
    )
    if asked != took:
        raise IdempotencyMismatch("the key was used with another request", field="Idempotency-Key")
    return order.sn


def _row(wish: BookingRequest, homestay: Homestay, price: Price) -> dict[str, object]:
    snapshot = homestay.model_dump(exclude={"id", "on_sale"})
    return snapshot | {
        "version": 1,
        "user_id": wish.user_id,
        "request_key": wish.request_key,
        "homestay_id": homestay.id,
        "live_start_date": wish.stay.start,
        "live_end_date": wish.stay.end,
        "live_people_num": wish.live_people_num,
        "need_food": wish.need_food,
        "remark": wish.remark,
        "order_total_fen": price.total_fen,
        "food_total_fen": price.food_fen,
        "homestay_total_fen": price.homestay_fen,
        "trade_state": TradeState.WAIT_PAY,
    }


def _first_transition(order_id: int, now: datetime) -> OrderTransition:
    return OrderTransition(
        order_id=order_id, seq=1, from_state=None, to_state=TradeState.WAIT_PAY, cause="created", created_at=now
    )
