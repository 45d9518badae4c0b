"""Reads orders: for buyers, merchants, operators and other services."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy.orm import InstrumentedAttribute

from order import batch_repository, cancelling, night_repository, refund_repository, repository, timeline
from order.batch_repository import OwedOrder, ToldOrder
from order.cancelling import Cancellation, CancelPolicy, RefundStep
from order.errors import NotRefundable, OrderNotFound
from order.models import HomestayNight, HomestayOrder
from order.peers import PaymentPeer
from order.pricing import Stay
from order.states import RefundState, TradeState
from servicekit.clock import SHANGHAI, Clock
from servicekit.db import Database
from servicekit.errors import Unavailable

ALL_STATES = -99
MOST_ARRIVALS = 500


@dataclass(kw_only=True, eq=False)
class Lookup:
    db: Database
    clock: Clock
    payment: PaymentPeer
    answer_within: timedelta

    async def page_of_buyer(self, user_id: int, last_id: int, size: int, state: int) -> Sequence[HomestayOrder]:
        return await self._page(repository.BUYER, user_id, last_id, size, state)

    async def page_of_merchant(
        self, user_id: int, last_id: int, size: int, state: int, *, refund: RefundState | None
    ) -> Sequence[HomestayOrder]:
        return await self._page(repository.MERCHANT, user_id, last_id, size, state, refund=refund)

    async def arrivals(self, merchant_id: int, day: date | None) -> tuple[date, Sequence[HomestayOrder]]:
        """The paid orders of the merchant's homestays that begin on `day` (None: today), a date in Asia/Shanghai, and that
        day; the oldest MOST_ARRIVALS of them."""
        day = day or self.clock().astimezone(SHANGHAI).date()
        async with self.db.read() as session:
            return day, await repository.arrivals(session, merchant_id, day, most=MOST_ARRIVALS)

    async def page_of_closing(self, last_id: int, size: int) -> Sequence[HomestayOrder]:
        async with self.db.read() as session:
            return await repository.closing_page(session, below=last_id, size=size)

    async def page_of_failed_refunds(self, last_id: int, size: int) -> Sequence[HomestayOrder]:
        async with self.db.read() as session:
            return await repository.failed_refunds_page(session, below=last_id, size=size)

    async def used_on(self, day: date, last_id: int, size: int) -> Sequence[tuple[int, datetime, HomestayOrder]]:
        """Check-ins of a day in Asia/Shanghai, oldest row first, as (transition id, UTC time, order)."""
        return await self._ended_on(TradeState.USED, day, last_id, size)

    async def kept_on(self, day: date, last_id: int, size: int) -> Sequence[tuple[int, datetime, HomestayOrder]]:
        """Orders that became refunded on a day in Asia/Shanghai and of which a part is kept; as `used_on`."""
        return await self._ended_on(TradeState.REFUNDED, day, last_id, size)

    async def _ended_on(
        self, state: TradeState, day: date, last_id: int, size: int
    ) -> Sequence[tuple[int, datetime, HomestayOrder]]:
        begin = datetime.combine(day, time(), SHANGHAI)
        end = begin + timedelta(days=1)
        async with self.db.read() as session:
            return await repository.ended_between(session, state, begin, end, above=last_id, size=size)

    async def _page(
        self,
        whose: InstrumentedAttribute[int],
        user_id: int,
        last_id: int,
        size: int,
        state: int,
        *,
        refund: RefundState | None = None,
    ) -> Sequence[HomestayOrder]:
        wanted = None if state == ALL_STATES else TradeState(state)
        async with self.db.read() as session:
            return await repository.page(session, whose, user_id, below=last_id, size=size, state=wanted, refund=refund)

    async def order(self, sn: str, *, user_id: int | None = None) -> HomestayOrder:
        """Raises OrderNotFound, also for an order of another user when `user_id` is given."""
        async with self.db.read() as session:
            order = await repository.by_sn(session, sn, user_id=user_id)
        if order is None:
            raise OrderNotFound(f"order {sn}")
        return order

    async def refunded_at(self, order: HomestayOrder) -> datetime | None:
        """None while the order is not refunded."""
        if order.trade_state != TradeState.REFUNDED:
            return None
        async with self.db.read() as session:
            return await repository.moved_at(session, order, TradeState.REFUNDED)

    async def timeline(self, order: HomestayOrder) -> list[timeline.Entry]:
        async with self.db.read() as session:
            transitions = await repository.transitions(session, order.id)
            return timeline.of(transitions, await refund_repository.of_order(session, order.id))

    async def cancellation(self, user_id: int, sn: str) -> tuple[HomestayOrder, Cancellation]:
        """What the buyer would get back now. Raises OrderNotFound; NotRefundable for an order that is not paid or over, or
        whose refund was requested already."""
        order = await self.order(sn, user_id=user_id)
        now, stay = self.clock(), Stay(order.live_start_date, order.live_end_date)
        failed_once = order.refund_state == RefundState.FAILED
        if order.trade_state != TradeState.WAIT_USE or order.refund_opened_at is not None:
            raise NotRefundable(f"the trade state is {order.trade_state}, the refund state {order.refund_state}")
        if now >= stay.ends_at and not failed_once:
            raise NotRefundable("the stay is over")
        agreed_fen = order.refund_fen if failed_once else None
        policy, total = CancelPolicy(order.cancel_policy), order.order_total_fen
        return order, cancelling.cancellation(policy, stay, total, now, agreed_fen=agreed_fen, owed_fen=order.owed_fen)

    def refund_steps(self, order: HomestayOrder) -> list[RefundStep]:
        """What goes back until when, of an order that waits for payment or use; empty for one that is over."""
        if order.trade_state not in {TradeState.WAIT_PAY, TradeState.WAIT_USE}:
            return []
        stay = Stay(order.live_start_date, order.live_end_date)
        policy, total = CancelPolicy(order.cancel_policy), order.order_total_fen
        return cancelling.steps_to_come(policy, stay, total, self.clock(), owed_fen=order.owed_fen)

    async def told_to_peers(self, sns: Sequence[str]) -> list[ToldOrder]:
        """The orders that exist, in any order. Past the ORM: notification asks for each order that is paid."""
        return [ToldOrder(*row) for row in await self.db.run_alone(batch_repository.TOLD, sns)]

    async def pay_type(self, order: HomestayOrder) -> str:
        """How the order was paid, fetched from payment once; empty while unpaid, or while payment is unavailable."""
        if order.payment_sn is None or order.pay_type:
            return order.pay_type or ""
        try:
            payment = await self.payment.of_order(order.sn)
        except Unavailable:
            return ""  # the order is shown without it
        if payment is None:
            return ""
        async with self.db.transaction() as tx:
            await repository.set_pay_type(tx, order.sn, payment.pay_type[:32])
        return payment.pay_type

    async def nights(self, since: date, after: tuple[int, date], size: int) -> Sequence[HomestayNight]:
        """By homestay and night, above `after`, without nights before `since`."""
        async with self.db.read() as session:
            return await night_repository.page(session, since, after, size)

    def answer_by(self, order: HomestayOrder | ToldOrder) -> datetime | None:
        """When an unanswered refund request is agreed to automatically; None when none waits for the merchant."""
        if order.refund_state != RefundState.ASKED or order.refund_opened_at is None:
            return None
        return order.refund_opened_at + self.answer_within

    async def owed(self, sns: Sequence[str]) -> list[OwedOrder]:
        """What is owed for the orders that exist, in any order."""
        return [OwedOrder(*row) for row in await self.db.run_alone(batch_repository.OWED, sns)]

    def is_payable(self, order: HomestayOrder | OwedOrder) -> bool:
        waits = order.trade_state == TradeState.WAIT_PAY and order.closing_at is None
        return waits and self.clock() < order.close_at
