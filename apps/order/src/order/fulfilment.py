"""Applies a payment's status to its order: from an event, or from payment's answer when an order is being closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog
from prometheus_client import Histogram

from order import codes, events, lifecycle, refund_repository, repository, states
from order.errors import AmountMismatch
from order.models import HomestayOrder, OrderPayment
from order.refunds import Refunds
from order.states import Effect, RefundCause, RefundState, RefundUpdate, TradeState
from servicekit import inbox
from servicekit.clock import Clock
from servicekit.db import Database, Transaction, after_commit
from servicekit.errors import Poison
from servicekit.events import CloudEvent
from servicekit.outbox import publish_later

log = structlog.get_logger()
CONFIRMATION_DELAY = Histogram(
    "order_confirmation_delay_seconds",
    "Time from WeChat's success time of a payment until its order has it",
    buckets=(1, 2, 3, 4, 5, 7.5, 10, 30, 60, 300, 1800),
)
PAID, REFUNDED = 1, 2
CODE_ATTEMPTS = 10


@dataclass(frozen=True)
class PaymentFact:
    """One version of one payment. Amounts in fen; `part_fen`: what was refunded while it is paid; `paid_at` in UTC."""

    payment_sn: str
    version: int
    pay_status: int
    total_fen: int
    paid_at: datetime
    part_fen: int = 0

    @property
    def refunded_fen(self) -> int:
        return self.total_fen if self.pay_status == REFUNDED else self.part_fen


@dataclass(kw_only=True, eq=False)
class Fulfilment:
    db: Database
    clock: Clock
    refunds: Refunds

    async def on_payment_fact(self, event: CloudEvent, order_sn: str, fact: PaymentFact) -> None:
        """Apply an event, once. Raises Poison for an unknown order, AmountMismatch."""
        async with self.db.transaction() as tx:
            order = await repository.lock(tx, order_sn)  # before the inbox, as a batch does: else the two deadlock
            if order is None:
                raise Poison(f"no order {order_sn}")
            if not await inbox.first_time(tx, event):
                return
            await self.apply(tx, order, fact)

    async def apply(self, tx: Transaction, order: HomestayOrder, fact: PaymentFact) -> None:
        """Apply `fact` to `order`, whose row the caller has locked. An older version of the payment changes nothing. Raises
        AmountMismatch; Poison when the payment belongs to another order."""
        known = await repository.payment(tx, fact.payment_sn)
        if known and known.order_id != order.id:
            raise Poison(f"payment {fact.payment_sn} belongs to another order than {order.sn}")
        if known and (known.version, known.pay_status) >= (fact.version, fact.pay_status):
            return  # the status counts, too: payment answers `close` with "paid" for one that is refunded by now
        effect = _effect(order, fact)
        if effect in {Effect.PAY, Effect.PAY_AND_REFUND} and fact.total_fen != order.order_total_fen:
            raise AmountMismatch(
                f"payment {fact.payment_sn} took {fact.total_fen} fen, order {order.sn} costs {order.order_total_fen}"
            )
        back_before = known.refunded_fen if known else 0
        if known is None:
            after_commit(tx, partial(count_confirmed, [fact], self.clock()))
        payment = _record(tx, order, known, fact, self.clock())
        await self._carry_out(tx, order, payment, effect)
        if back_fen := payment.refunded_fen - back_before:
            await self._on_money_back(tx, order, payment, back_fen, moved=effect in states.MOVES_ORDER)

    async def _carry_out(self, tx: Transaction, order: HomestayOrder, payment: OrderPayment, effect: Effect) -> None:
        now = self.clock()
        detail = payment.payment_sn
        if effect in {Effect.PAY, Effect.PAY_AND_REFUND}:
            await self._mark_paid(tx, order, payment, now)
        if order.payment_sn == payment.payment_sn:
            order.refunded_fen = payment.refunded_fen
        if effect in {Effect.REFUND, Effect.PAY_AND_REFUND}:
            order.refund_fen = payment.refunded_fen
            await lifecycle.move(tx, order, TradeState.REFUNDED, cause="refunded", now=now, detail=detail)
        if effect in states.REFUND_CAUSES and not await refund_repository.was_requested(tx, detail):
            log.warning("payment is refunded automatically", order_sn=order.sn, payment_sn=detail, reason=effect.value)
            await self.refunds.ask(tx, order, payment, states.REFUND_CAUSES[effect], payment.total_fen)

    async def _on_money_back(
        self, tx: Transaction, order: HomestayOrder, payment: OrderPayment, back_fen: int, *, moved: bool
    ) -> None:
        """End the request that `back_fen` is the money of. When the trade state stays (not `moved`), no other event reports
        that it is back."""
        now = self.clock()
        request_cause = await refund_repository.settle(tx, payment.payment_sn, payment.refunded_fen, now)
        if moved:
            return
        cause = states.cause_of_return(TradeState(order.trade_state), order.payment_sn, payment.payment_sn)
        if request_cause == RefundCause.GOODWILL:
            cause = RefundCause.GOODWILL
        whole = payment.refunded_fen == payment.total_fen
        fact = events.refund_updated(
            order.sn,
            RefundUpdate.RETURNED if whole else RefundUpdate.PART_RETURNED,
            payment_sn=payment.payment_sn,
            refund_fen=back_fen,
            cause=cause,
            changed_at=now,
        )
        await publish_later(tx, fact)

    async def _mark_paid(self, tx: Transaction, order: HomestayOrder, payment: OrderPayment, now: datetime) -> None:
        code = await _free_code(tx)  # first: a query flushes the order, and a half-changed one violates its constraints
        order.payment_sn, order.paid_at, order.checkin_code = payment.payment_sn, payment.paid_at, code
        order.closing_at = None
        await lifecycle.move(tx, order, TradeState.WAIT_USE, cause="paid", now=now, detail=payment.payment_sn)


def count_confirmed(facts: Sequence[PaymentFact], now: datetime) -> None:
    """Of each payment once, whatever it does to its order: one that came too late is on its way back."""
    for fact in facts:
        CONFIRMATION_DELAY.observe(max(0.0, (now - fact.paid_at).total_seconds()))


def _effect(order: HomestayOrder, fact: PaymentFact) -> Effect:
    state = TradeState(order.trade_state)
    if fact.pay_status == PAID:
        agreed = order.refund_opened_at is not None and order.refund_state == RefundState.AGREED
        agreed_is_back = agreed and fact.refunded_fen >= (order.refund_fen or 1)
        return states.effect_of_paid(state, order.payment_sn, fact.payment_sn, agreed_is_back=agreed_is_back)
    whole = fact.total_fen == order.order_total_fen
    return states.effect_of_refunded(state, order.payment_sn, fact.payment_sn, whole=whole)


def _record(
    tx: Transaction, order: HomestayOrder, known: OrderPayment | None, fact: PaymentFact, now: datetime
) -> OrderPayment:
    if known:
        known.version, known.pay_status = fact.version, fact.pay_status
        known.refunded_fen = max(known.refunded_fen, fact.refunded_fen)
        return known
    payment = OrderPayment(
        order_id=order.id,
        payment_sn=fact.payment_sn,
        version=fact.version,
        pay_status=fact.pay_status,
        total_fen=fact.total_fen,
        refunded_fen=fact.refunded_fen,
        paid_at=fact.paid_at,
        created_at=now,
    )
    tx.add(payment)
    return payment


async def _free_code(tx: Transaction) -> str:
    """A code that no valid order has. Two concurrent transactions with the same code: the unique index refuses one."""
    for _ in range(CODE_ATTEMPTS):
        code = codes.new_code()
        if not await repository.is_code_in_use(tx, code):
            return code
    raise RuntimeError("no free check-in code was found")
