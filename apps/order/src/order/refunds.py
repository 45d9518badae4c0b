"""Refund requests: of buyers, agreed by rule or by the merchant, and automatic ones for late or duplicate payments.

The payment service carries them out.
"""

from dataclasses import dataclass, field
from datetime import datetime

import structlog

from order import events, repository
from order.errors import NoFailedRefund, NoRefundToDecide, NotRefundable, OrderNotFound
from order.models import HomestayOrder, OrderPayment
from order.pricing import Stay
from order.states import RefundCause, RefundState, RefundUpdate, TradeState
from servicekit import acts, inbox
from servicekit.clock import Clock
from servicekit.db import Database, Transaction
from servicekit.errors import Poison
from servicekit.events import CloudEvent
from servicekit.messages import Catalogue
from servicekit.numbers import business_number
from servicekit.outbox import publish_later

log = structlog.get_logger()


@dataclass(kw_only=True, eq=False)
class Refunds:
    db: Database
    clock: Clock
    _messages: Catalogue = field(init=False)

    def __post_init__(self) -> None:
        self._messages = Catalogue("order")

    async def request(self, user_id: int, sn: str, reason: str) -> HomestayOrder:
        """Request a refund for the buyer; returns the order, which can be neither used nor expired until the refund ends.
        Until noon of the first day it is agreed at once; afterwards the merchant decides, who gets a message. Repeating the
        request changes nothing. A refund that was agreed and failed can be requested again at any time, also after the
        stay. Raises OrderNotFound, NotRefundable."""
        async with self.db.transaction() as tx:
            order = await repository.lock(tx, sn, user_id=user_id)
            if order is None:
                raise OrderNotFound(f"order {sn}")
            if order.refund_opened_at is not None or order.trade_state == TradeState.REFUNDED:
                return order
            if order.trade_state != TradeState.WAIT_USE or order.payment_sn is None:
                raise NotRefundable(f"the trade state is {order.trade_state}")
            now = self.clock()
            stay = Stay(order.live_start_date, order.live_end_date)
            agreed_once = order.refund_state == RefundState.FAILED
            if now >= stay.ends_at and not agreed_once:
                raise NotRefundable("the stay is over")
            self._open(order, reason, now)
            if agreed_once or now < stay.refundable_until:
                await self.agree(tx, order)
            else:
                await self._publish_request(tx, order, order.payment_sn, now)
            return order

    async def ask_again(self, operator_id: int, sn: str, note: str) -> HomestayOrder:
        """Request a failed refund again for an operator. An open or completed refund stays as it is. Raises OrderNotFound,
        NoFailedRefund."""
        async with self.db.transaction() as tx:
            order = await repository.lock(tx, sn)
            if order is None:
                raise OrderNotFound(f"order {sn}")
            if order.refund_opened_at is not None or order.trade_state == TradeState.REFUNDED:
                return order
            if order.trade_state != TradeState.WAIT_USE or order.refund_state != RefundState.FAILED:
                raise NoFailedRefund(f"the trade state is {order.trade_state}, the refund state {order.refund_state}")
            now = self.clock()
            self._open(order, order.refund_reason or "", now)
            await self.agree(tx, order)
            await acts.record(tx, now, operator_id, "ask-refund-again", f"order:{sn}", note=note)
            return order

    async def decide(self, merchant_id: int, sn: str, *, agree: bool, note: str) -> HomestayOrder:
        """The merchant's decision about a refund request for one of their orders. After a refusal the order can be used
        again, and the buyer sees `note`. Repeating a decision changes nothing. Raises OrderNotFound, NoRefundToDecide."""
        async with self.db.transaction() as tx:
            order = await repository.lock(tx, sn)
            if order is None or order.homestay_user_id != merchant_id:
                raise OrderNotFound(f"order {sn}")
            wanted = RefundState.AGREED if agree else RefundState.REFUSED
            if order.refund_state == wanted:
                return order
            if order.refund_state != RefundState.ASKED:
                raise NoRefundToDecide(f"the refund state is {order.refund_state}")
            order.refund_note = note
            if agree:
                await self.agree(tx, order)
            else:
                order.refund_state, order.refund_opened_at = RefundState.REFUSED, None
            return order

    async def on_failed(self, event: CloudEvent, order_sn: str, payment_sn: str, request_sn: str) -> None:
        """Payment could not carry out a refund: the order can be used again, and the buyer may request it again. An event
        about an older request changes nothing. Raises Poison for an unknown order."""
        async with self.db.transaction() as tx:
            if not await inbox.first_time(tx, event):
                return
            order = await repository.lock(tx, order_sn)
            if order is None:
                raise Poison(f"no order {order_sn}")
            log.error("refund failed", sn=order_sn, payment_sn=payment_sn, request_sn=request_sn)
            payment = await repository.payment(tx, payment_sn)
            if payment is None or payment.refund_request_sn != request_sn or order.payment_sn != payment_sn:
                return
            if order.trade_state == TradeState.WAIT_USE and order.refund_state == RefundState.AGREED:
                order.refund_state, order.refund_opened_at = RefundState.FAILED, None
                order.refund_failed_at = self.clock()

    def _open(self, order: HomestayOrder, reason: str, now: datetime) -> None:
        order.refund_opened_at, order.refund_reason, order.refund_note = now, reason, None
        order.refund_state, order.refund_failed_at = RefundState.ASKED, None

    async def _publish_request(self, tx: Transaction, order: HomestayOrder, payment_sn: str, now: datetime) -> None:
        fact = events.refund_updated(
            order.sn,
            RefundUpdate.ASKED,
            payment_sn=payment_sn,
            refund_fen=order.order_total_fen,
            cause=RefundCause.BUYER,
            changed_at=now,
        )
        await publish_later(tx, fact)

    async def agree(self, tx: Transaction, order: HomestayOrder) -> None:
        """Agree to the refund request of `order`, whose row the caller has locked, and request the refund from payment."""
        payment = await repository.payment(tx, order.payment_sn or "")
        if payment is None:
            raise RuntimeError(f"order {order.sn} was paid by {order.payment_sn}, which has no row")
        order.refund_state = RefundState.AGREED
        await self.ask(tx, order, payment, RefundCause.BUYER, order.refund_reason or "")

    async def ask(
        self, tx: Transaction, order: HomestayOrder, payment: OrderPayment, cause: RefundCause, reason: str = ""
    ) -> None:
        """Record a refund request for `payment` and its event, in the caller's transaction."""
        now = self.clock()
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
