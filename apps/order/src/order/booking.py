"""Creates orders: price, snapshot of the homestay, its nights, time limit for the payment. Idempotent by the client's
request key."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from order import events, night_repository, pricing, repository
from order.errors import NightClosed, NightFull, TooManyUnpaid
from order.models import HomestayOrder
from order.peers import Homestay, TravelPeer
from order.pricing import Price, Stay
from order.quoting import priced
from order.states import TradeState
from servicekit.arrays import ArrayTransaction, columns
from servicekit.clock import Clock, from_unix
from servicekit.collector import Collector
from servicekit.db import Database
from servicekit.errors import Unavailable
from servicekit.idempotency import IdempotencyMismatch
from servicekit.numbers import business_number
from servicekit.outbox import OutgoingEvent
from servicekit.telemetry import traces

log = structlog.get_logger()
ATTEMPTS = 10
"""Inserts until one finds a number and a slot that no other request took meanwhile. By default the user has less slots than
that: who orders that often at once is told that all are taken."""
NOT_KEPT = {"id", "on_sale", "stock", "min_nights", "max_nights", "days_ahead", "nights"}
"""What the snapshot in an order leaves out: it is checked at the booking, or stands in the order's lines."""


@dataclass(frozen=True)
class BookingRequest:
    """What a buyer books; times in unix seconds. Requests of one user with the same `request_key` create one order."""

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
    most_unpaid: int
    """Orders of one user that may wait for their payment: each holds nights that are not paid for."""
    _used_keys: Collector[tuple[int, str], bool] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._used_keys = Collector(self._find_used_keys, name="find used keys")

    async def create(self, request: BookingRequest) -> str:
        """Returns the order's number; the same user and key get the same order, also after a crash. Raises
        HomestayNotFound, the errors of pricing, NightClosed, NightFull, TooManyUnpaid, IdempotencyMismatch (the key was
        used with other values), PeerUnavailable."""
        if earlier := await self._earlier(request):
            return _same(earlier, request)
        people, food = request.live_people_num, request.need_food
        homestay, price = await priced(
            self.travel, request.homestay_id, request.stay, self.clock(), people=people, food=food
        )
        if closed := pricing.first_closed(homestay):
            raise NightClosed(f"not sold on {closed}", field="liveStartTime", night=closed.isoformat())
        now, row = self.clock(), _row(request, homestay, price)
        close_at = now + self.pay_window
        row |= {"created_at": now, "close_at": close_at, "due_at": close_at}
        for _ in range(ATTEMPTS):
            sn = business_number("HSO", now)
            added = await self._insert(row | {"sn": sn}, request, homestay)
            if added.order_id is not None:
                traces.note(order_sn=sn)
                log.info("order created", sn=sn, total_fen=row["order_total_fen"])
                return sn
            if earlier := await self._earlier(request):  # a concurrent request with the same key
                return _same(earlier, request)
            if not added.had_slot:
                raise TooManyUnpaid(f"user {request.user_id}", most=self.most_unpaid)
        raise Unavailable("no free order number was found")

    async def _earlier(self, request: BookingRequest) -> HomestayOrder | None:
        """The order of the same user and key."""
        if request.request_key is None or not await self._used_keys.submit((request.user_id, request.request_key)):
            return None
        async with self.db.read() as session:
            return await repository.by_request_key(session, request.user_id, request.request_key)

    async def _find_used_keys(self, keys: Sequence[tuple[int, str]]) -> list[bool]:
        used = {tuple(row) for row in await self.db.run_alone(repository.USED_KEYS, *columns(keys))}
        return [key in used for key in keys]

    async def _insert(self, row: dict[str, object], request: BookingRequest, homestay: Homestay) -> repository.Added:
        """Insert the order and take its nights, or write nothing (`repository.add`). Raises NightFull."""
        async with self.db.arrays() as tx:
            added = await repository.add(tx, row, self.most_unpaid)
            if added.order_id is not None:
                # Last: others wait for these rows until the commit.
                told = events.nights_updated(str(row["sn"]), homestay.id, [], changed_at=self.clock())
                await _take_nights(tx, added.order_id, request, homestay, told)
            return added


async def _take_nights(
    tx: ArrayTransaction, order_id: int, request: BookingRequest, homestay: Homestay, told: OutgoingEvent
) -> None:
    stay, units = request.stay, pricing.units(homestay, request.live_people_num)
    full = await night_repository.take(
        tx,
        order_id,
        homestay.id,
        stay.start,
        stay.nights,
        units=units,
        stock=homestay.stock,
        sold_by=homestay.sold_by,
        told=told,
    )
    if full is not None:
        detail = f"fewer than {units} of {homestay.stock} are left on {full}, or it was sold by another unit"
        raise NightFull(detail, field="liveStartTime", night=full.isoformat())


def _same(order: HomestayOrder, request: BookingRequest) -> str:
    wanted = (request.homestay_id, request.stay, request.live_people_num, request.need_food, request.remark)
    booked = (
        order.homestay_id,
        Stay(order.live_start_date, order.live_end_date),
        order.live_people_num,
        order.need_food,
        order.remark,
    )
    if wanted != booked:
        raise IdempotencyMismatch("the key was used with another request", field="Idempotency-Key")
    return order.sn


def _row(request: BookingRequest, homestay: Homestay, price: Price) -> dict[str, object]:
    snapshot = homestay.model_dump(exclude=NOT_KEPT)
    return snapshot | {
        "version": 1,
        "user_id": request.user_id,
        "request_key": request.request_key,
        "homestay_id": homestay.id,
        "live_start_date": request.stay.start,
        "live_end_date": request.stay.end,
        "live_people_num": request.live_people_num,
        "need_food": request.need_food,
        "remark": request.remark,
        "order_total_fen": price.total_fen,
        "food_total_fen": price.food_fen,
        "homestay_total_fen": price.homestay_fen,
        "lines": _lines(price),
        "trade_state": TradeState.WAIT_PAY,
    }


def _lines(price: Price) -> str:
    """The column `lines` as JSON: asyncpg takes it as text."""
    return json.dumps(
        [
            {"night": line.night.isoformat(), "homestayFen": line.homestay_fen, "foodFen": line.food_fen}
            for line in price.lines
        ]
    )
