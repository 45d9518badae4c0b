"""Refund requests: of buyers, agreed by the cancellation policy or by the merchant, and automatic ones for late or
duplicate payments.

The payment service carries them out.
"""

from dataclasses import dataclass, field
from datetime import datetime

import structlog

from order import cancelling, events, lifecycle, refund_repository, repository
from order.cancelling import CancelPolicy
from order.errors import NoFailedRefund, NoRefundToDecide, NotRefundable, OrderNotFound, RefundOutOfRange
from order.models import HomestayOrder, OrderPayment, OrderRefund
from order.pricing import Stay
from order.states import RefundCause, RefundState, RefundUpdate, RequestState, TradeState
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

    async def request(self, user_id: int, sn: str, reason: str, refund_fen: int | None = None) -> HomestayOrder:
        """Request a refund for the buyer; returns the order, which can be neither used nor expired until the refund ends.
        Until noon of the first day the share of the cancellation policy is agreed at once, also one of 0 fen, which ends
        the order; at any time, what a request that was refused would have given by itself. More than that (`refund_fen`),
        or anything afterwards (all of it, or `refund_fen`), is for the merchant to decide, who gets a message. Repeating
        the request changes nothing. A refund that was agreed and failed can be requested again at any time, also after the
        stay. Raises OrderNotFound, NotRefundable, RefundOutOfRange."""
        async with self.db.transaction() as tx:
            order = await repository.lock(tx, sn, user_id=user_id)
            if order is None:
                raise OrderNotFound(f"order {sn}")
            if order.refund_opened_at is not None or order.trade_state == TradeState.REFUNDED:
                return order
            if order.trade_state != TradeState.WAIT_USE or order.payment_sn is None:
                raise NotRefundable(f"the trade state is {order.trade_state}")
            now, total = self.clock(), order.order_total_fen
            if order.refund_state == RefundState.FAILED:
                self._open(order, reason, now)
                await self.agree(tx, order, order.refund_fen or total)
                return order
            stay, policy = Stay(order.live_start_date, order.live_end_date), CancelPolicy(order.cancel_policy)
            if now >= stay.ends_at:
                raise NotRefundable("the stay is over")
            _require_within(refund_fen, least=1, most=total)
            offer = cancelling.cancellation(policy, stay, total, now, agreed_fen=None, owed_fen=order.owed_fen)
            share = offer.refund_fen
            wanted = max(share, refund_fen or (total if offer.asks_host else share))
            self._open(order, reason, now)
            if offer.asks_host or wanted > share:
                least = max(share, cancelling.least(policy, stay, total, now).refund_fen)
                order.refund_fen, order.refund_least_fen = wanted, min(wanted, least)
                await self._publish_request(tx, order, order.payment_sn, now)
            else:
                await self.agree(tx, order, share)
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
            await self.agree(tx, order, order.refund_fen or order.order_total_fen)
            await acts.record(tx, now, operator_id, "ask-refund-again", f"order:{sn}", note=note)
            return order

    async def decide(
        self, merchant_id: int, sn: str, *, agree: bool, note: str, refund_fen: int | None = None
    ) -> HomestayOrder:
        """The merchant's decision about a refund request for one of their orders. `refund_fen`: what goes back, at least
        what the policy gives (`refund_least_fen`), which is also meant when it is None; where that is 0 an amount must be
        named. After a refusal the order can be used again, and the buyer sees `note`. Repeating a decision changes
        nothing. Raises OrderNotFound, NoRefundToDecide, RefundOutOfRange."""
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
                least = order.refund_least_fen or 0
                fen = least if refund_fen is None else refund_fen
                _require_within(fen, least=max(1, least), most=order.order_total_fen)
                await self.agree(tx, order, fen)
            else:
                _refuse(order)
            return order

    async def end_unanswered(self, tx: Transaction, order: HomestayOrder) -> None:
        """End a request that the merchant did not answer, of an order whose row the caller has locked: what the policy
        gives goes back; when that is nothing, the order goes on."""
        if order.refund_least_fen:
            await self.agree(tx, order, order.refund_least_fen)
        else:
            _refuse(order)

    async def on_failed(self, event: CloudEvent, order_sn: str, payment_sn: str, request_sn: str) -> None:
        """Payment could not carry out a refund: the order can be used again, and the buyer may request it again. An event
        about an older request changes nothing. Raises Poison for an unknown order."""
        async with self.db.transaction() as tx:
            if not await inbox.first_time(tx, event):
                return
            order = await repository.lock(tx, order_sn)
            if order is None:
                raise Poison(f"no order {order_sn}")
            log.error("refund failed", order_sn=order_sn, payment_sn=payment_sn, request_sn=request_sn)
            if order.payment_sn != payment_sn or not await refund_repository.fail(tx, request_sn, self.clock()):
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
            refund_fen=order.refund_fen or order.order_total_fen,
            cause=RefundCause.BUYER,
            changed_at=now,
        )
        await publish_later(tx, fact)

    async def agree(self, tx: Transaction, order: HomestayOrder, fen: int) -> None:
        """Agree to refund `fen` of `order`, whose row the caller has locked, and request it from payment. With 0 fen there
        is nothing to wait for: the order ends."""
        order.refund_state, order.refund_fen = RefundState.AGREED, fen
        if fen == 0:
            await lifecycle.move(tx, order, TradeState.REFUNDED, cause="cancelled", now=self.clock())
            return
        payment = await repository.payment(tx, order.payment_sn or "")
        if payment is None:
            raise RuntimeError(f"order {order.sn} was paid by {order.payment_sn}, which has no row")
        await self.ask(tx, order, payment, RefundCause.BUYER, fen, reason=order.refund_reason or "")

    async def ask(
        self,
        tx: Transaction,
        order: HomestayOrder,
        payment: OrderPayment,
        cause: RefundCause,
        fen: int,
        *,
        reason: str = "",
        request_key: str | None = None,
    ) -> None:
        """Record a request to refund `fen` of `payment` and its event, in the caller's transaction."""
        now = self.clock()
        await tx.flush()  # the payment may be new
        request = OrderRefund(
            order_id=order.id,
            payment_sn=payment.payment_sn,
            request_sn=business_number("RFR", now),
            request_key=request_key,
            cause=cause.value,
            refund_fen=fen,
            state=RequestState.REQUESTED,
            requested_at=now,
        )
        tx.add(request)
        await tx.flush()
        fact = events.refund_requested(
            order.sn,
            request_sn=request.request_sn,
            payment_sn=payment.payment_sn,
            refund_fen=fen,
            cause=cause,
            reason=reason.strip() or self._messages.text(f"reason-{cause.value}", "zh"),
            requested_at=now,
        )
        await publish_later(tx, fact)


def _refuse(order: HomestayOrder) -> None:
    stay, asked_at = Stay(order.live_start_date, order.live_end_date), order.refund_opened_at
    if asked_at is None:
        raise RuntimeError(f"order {order.sn} has no open refund request")
    policy, least = CancelPolicy(order.cancel_policy), order.refund_least_fen or 0
    order.refund_least_fen = cancelling.owed_after_refusal(policy, stay, asked_at, least)
    order.refund_state, order.refund_opened_at = RefundState.REFUSED, None


def _require_within(refund_fen: int | None, *, least: int, most: int) -> None:
    """Raises RefundOutOfRange; None is no amount."""
    if refund_fen is not None and not least <= refund_fen <= most:
        raise RefundOutOfRange(f"{refund_fen} fen", field="refundFen", least=least, most=most)
