"""Creates orders: price, snapshot of the homestay, its nights, time limit for the payment. Idempotent by the client's
request key."""

from dataclasses import dataclass
from datetime import timedelta

import structlog
from prometheus_client import Counter

from order import pricing, repository
from order.errors import NightClosed, NightFull, OwnHomestay, TooManyUnpaid
from order.models import HomestayOrder
from order.night_fitting import WantedNights
from order.peers import Homestay, TravelPeer
from order.pricing import Price, Stay
from order.quoting import priced
from order.reservation import NewOrder, Reservations
from order.states import TradeState
from servicekit.clock import Clock, from_unix
from servicekit.db import Database
from servicekit.errors import Problem, Unavailable
from servicekit.idempotency import IdempotencyMismatch
from servicekit.numbers import business_number
from servicekit.telemetry import traces

log = structlog.get_logger()
NIGHTS = Counter(
    "order_nights_total", "Nights of bookings: booked, or refused because one is full or closed", ["outcome"]
)
for _outcome in ("booked", "full", "closed"):
    NIGHTS.labels(_outcome)
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
    reservations: Reservations
    pay_window: timedelta

    async def create(self, request: BookingRequest) -> str:
        """Returns the order's number; the same user and key get the same order, also after a crash. Raises
        HomestayNotFound, the errors of pricing, OwnHomestay, NightClosed, NightFull, TooManyUnpaid, IdempotencyMismatch
        (the key was used with other values), PeerUnavailable."""
        try:
            return await self._create(request)
        except Problem as refused:
            # An order of the same key cannot be booked a second time. Who was turned away asks nothing of a busy database.
            if type(refused) is not Unavailable and (earlier := await self._earlier(request)):
                return _same(earlier, request)
            raise

    async def _create(self, request: BookingRequest) -> str:
        people, food = request.live_people_num, request.need_food
        homestay, price = await priced(
            self.travel, request.homestay_id, request.stay, self.clock(), people=people, food=food
        )
        if homestay.homestay_user_id == request.user_id:
            raise OwnHomestay(f"user {request.user_id} is its host", field="homestayId")
        if closed := pricing.first_closed(homestay):
            NIGHTS.labels("closed").inc(request.stay.nights)
            raise NightClosed(f"not sold on {closed}", field="liveStartTime", night=closed.isoformat())
        now, columns, wanted = self.clock(), _columns(request, homestay, price), _nights(request, homestay)
        close_at = now + self.pay_window
        trace = traces.current()
        columns |= {"created_at": now, "close_at": close_at, "due_at": close_at}
        columns |= {"traceparent": trace.traceparent or None, "tracestate": trace.tracestate or None}
        for _ in range(ATTEMPTS):
            sn = business_number("HSO", now)
            outcome = await self.reservations.insert(NewOrder(sn, request.user_id, wanted, columns | {"sn": sn}))
            if outcome.stored:
                traces.note(order_sn=sn)
                NIGHTS.labels("booked").inc(request.stay.nights)
                log.info("order created", order_sn=sn, total_fen=columns["order_total_fen"])
                return sn
            if full := outcome.full_night:
                NIGHTS.labels("full").inc(request.stay.nights)
                detail = (
                    f"fewer than {wanted.units} of {wanted.stock} are left on {full}, or it was sold by another unit"
                )
                raise NightFull(detail, field="liveStartTime", night=full.isoformat())
            if earlier := await self._earlier(request):  # a concurrent request with the same key
                return _same(earlier, request)
            if not outcome.had_slot:
                raise TooManyUnpaid(f"user {request.user_id}", most=self.reservations.most_unpaid)
        raise Unavailable("no free order number was found")

    async def _earlier(self, request: BookingRequest) -> HomestayOrder | None:
        """The order of the same user and key."""
        if request.request_key is None:
            return None
        async with self.db.read() as session:
            return await repository.by_request_key(session, request.user_id, request.request_key)


def _nights(request: BookingRequest, homestay: Homestay) -> WantedNights:
    return WantedNights(
        homestay_id=homestay.id,
        nights=tuple(request.stay.dates),
        units=pricing.units(homestay, request.live_people_num),
        stock=homestay.stock,
        sold_by=homestay.sold_by,
    )


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


def _columns(request: BookingRequest, homestay: Homestay, price: Price) -> dict[str, object]:
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


def _lines(price: Price) -> list[dict[str, object]]:
    return [
        {"night": line.night.isoformat(), "homestayFen": line.homestay_fen, "foodFen": line.food_fen}
        for line in price.lines
    ]
