"""Asking for money to go back: by the buyer, or because a payment came late or twice. Payment does the refunding."""

from order import events, repository
from order.errors import NotRefundable, OrderNotFound
from order.models import HomestayOrder, OrderPayment
from order.pricing import Stay
from order.states import RefundCause, TradeState
from servicekit.clock import Clock
from servicekit.db import Database, Transaction
from servicekit.messages import Catalogue
from servicekit.numbers import business_number
from servicekit.outbox import publish_later


class Refunds:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._messages = Catalogue("order")

    async def request(self, user_id: int, sn: str, reason: str) -> HomestayOrder:
        """The buyer's wish: until payment's answer the order can be neither used nor expire. Asking again asks once."""
        async with self._db.transaction() as tx:
            order = await repository.lock(tx, sn, user_id=user_id)
            if order is None:
                raise OrderNotFound(f"order {sn}")
            if order.refund_opened_at is not None or order.trade_state == TradeState.REFUNDED:
                return order
            if order.trade_state != TradeState.WAIT_USE or order.payment_sn is None:
                raise NotRefundable(f"the order is at {order.trade_state}")
            now = self._clock()
            if now >= Stay(order.live_start_date, order.live_end_date).ends_at:
                raise NotRefundable("the stay is over")
            payment = await repository.payment(tx, order.payment_sn)
            if payment is None:
                raise RuntimeError(f"order {sn} was paid by {order.payment_sn}, of which nothing is known")
            order.refund_opened_at, order.refund_reason = now, reason
            await self.ask(tx, order, payment, RefundCause.BUYER, reason)
            return order

    async def ask(
        self, tx: Transaction, order: HomestayOrder, payment: OrderPayment, cause: RefundCause, reason: str = ""
    ) -> None:
        """Write down the request and the event that carries it, in the caller's transaction."""
        now = self._clock()
        payment.refund_request_sn = business_number("RFR", now)
        payment.refund_cause, payment.refund_requested_at = cause.value, now
        await tx.flush()
        fact = events.refund_requested(
            order.sn,
            request_sn=payment.refund_request_sn,
            payment_sn=payment.payment_sn,
            refund_fen=payment.total_fen,
            cause=cause,
            reason=reason.strip() or self._messages.text(f"reason-{cause.value}", "zh"),
            requested_at=now,
        )
        await publish_later(tx, fact)
