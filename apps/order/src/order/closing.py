"""Closes unpaid orders, when their time limit ends (`close_at`, set by `booking` from `Settings.pay_window_seconds`) or
their buyer cancels, without losing a payment.

First the order stops being payable, then payment is asked to close at WeChat, and only its answer decides: closed or
never paid → CANCELLED; paid → WAIT_USE. A crash between two of these steps leaves a row that is due again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from order import lifecycle, repository
from order.errors import AlreadyPaid, NotCancellable, NotClosing, OrderNotFound
from order.fulfilment import PAID, Fulfilment, PaymentFact
from order.models import HomestayOrder
from order.peers import CloseAnswer, PaymentPeer
from order.states import TradeState
from servicekit import acts
from servicekit.clock import Clock
from servicekit.db import Database, Transaction
from servicekit.due import Backoff, side_by_side
from servicekit.errors import Poison, Unavailable

log = structlog.get_logger()
BACKOFF = Backoff(first=timedelta(seconds=5), longest=timedelta(minutes=5))
PAUSE_UNTIL_REVIEW = timedelta(hours=1)


@dataclass(kw_only=True, eq=False)
class Closing:
    db: Database
    clock: Clock
    payment: PaymentPeer
    fulfilment: Fulfilment
    lease: timedelta
    batch: int
    parallel: int

    async def cancel(self, user_id: int, sn: str) -> HomestayOrder:
        """Cancel an order for its buyer. Returns it cancelled, or still closing when payment is unavailable: the cron
        job then retries. Raises OrderNotFound, NotCancellable; AlreadyPaid when WeChat had taken the payment."""
        async with self.db.transaction() as tx:
            order = await repository.lock(tx, sn, user_id=user_id)
            if order is None:
                raise OrderNotFound(f"order {sn}")
            if order.trade_state == TradeState.CANCELLED:
                return order
            if order.trade_state != TradeState.WAIT_PAY:
                raise NotCancellable(f"the trade state is {order.trade_state}")
            now = self.clock()
            if order.closing_at is None:
                order.closing_at, order.close_cause = now, "buyer"
            attempt = order.lease(now, self.lease)
        await self._finish(sn, attempt)
        async with self.db.read() as session:
            after = await repository.by_sn(session, sn, user_id=user_id)
        if after is None:
            raise OrderNotFound(f"order {sn}")
        if after.trade_state not in {TradeState.CANCELLED, TradeState.WAIT_PAY}:
            raise AlreadyPaid("WeChat had taken the payment already")
        return after

    async def retry(self, operator_id: int, sn: str, note: str) -> tuple[HomestayOrder, str | None]:
        """Ask payment now about an order that is being closed. Returns the order afterwards, and why it is still
        closing, if it is. Raises OrderNotFound, NotClosing."""
        now = self.clock()
        async with self.db.transaction() as tx:
            order = await repository.lock(tx, sn)
            if order is None:
                raise OrderNotFound(f"order {sn}", field="sn")
            if order.trade_state != TradeState.WAIT_PAY or order.closing_at is None:
                raise NotClosing(f"order {sn} is not being closed, its trade state is {order.trade_state}", field="sn")
            attempt = order.lease(now, self.lease)
            await acts.record(tx, now, operator_id, "retry-closing", f"order:{sn}", note=note)
        problem = await self._finish(sn, attempt)
        async with self.db.read() as session:
            after = await repository.by_sn(session, sn)
        if after is None:
            raise OrderNotFound(f"order {sn}", field="sn")
        return after, problem

    async def close_due(self) -> int:
        """One run of the cron job: claim the orders that are due and ask payment about each. Returns how many were
        claimed."""
        async with self.db.transaction() as tx:
            claimed = await repository.claim_closing(tx, self.clock(), self.lease, self.batch)
        await side_by_side(claimed, lambda each: self._finish(*each), at_once=self.parallel, what="closing of an order")
        return len(claimed)

    async def _finish(self, sn: str, attempt: int) -> str | None:
        """Returns None when the closing has ended, else why it is retried later."""
        try:
            answer = await self.payment.close(sn, attempt)
            async with self.db.transaction() as tx:
                await self._settle(tx, sn, answer)
        except Unavailable as error:
            log.warning("closing is retried later", order_sn=sn, attempt=attempt, reason=str(error))
            await self._postpone(sn, self.clock() + BACKOFF.pause(attempt))
            return str(error)
        except Poison as error:
            log.error("order cannot be closed: needs manual review", order_sn=sn, reason=str(error))
            await self._postpone(sn, self.clock() + PAUSE_UNTIL_REVIEW)
            return str(error)
        return None

    async def _settle(self, tx: Transaction, sn: str, answer: CloseAnswer) -> None:
        order = await repository.lock(tx, sn)
        if order is None or order.trade_state != TradeState.WAIT_PAY:
            return  # decided by an event meanwhile
        if answer.outcome == "paid":
            await self.fulfilment.apply(tx, order, _fact(answer))
        else:
            cause = f"closed-{order.close_cause or 'unpaid'}"
            await lifecycle.move(tx, order, TradeState.CANCELLED, cause=cause, now=self.clock(), detail=answer.outcome)

    async def _postpone(self, sn: str, until: datetime) -> None:
        try:
            async with self.db.transaction() as tx:
                await repository.postpone_closing(tx, sn, until)
        except Unavailable as error:
            log.warning("closing is retried when its lease ends", order_sn=sn, reason=str(error))


def _fact(answer: CloseAnswer) -> PaymentFact:
    if answer.payment_sn is None or answer.total_fen is None or answer.version is None or answer.pay_time is None:
        raise Poison("payment answered paid without naming the payment")
    return PaymentFact(answer.payment_sn, answer.version, PAID, answer.total_fen, answer.pay_time)
