"""Turns events of order into tasks: which messages to send, and which are out of date."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC

import structlog

from notification import repository
from notification.events import RefundUpdated, TradeStateUpdated
from notification.retries import RetryPolicy
from notification.states import KIND_BY_REFUND_STATE, KINDS_BY_TRADE_STATE, PAID_ORDER, STAY_KINDS, Kind, TaskState
from servicekit import inbox
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.events import CloudEvent
from servicekit.telemetry import current_traceparent

log = structlog.get_logger()


@dataclass(kw_only=True, eq=False)
class Planning:
    """`wake` is called after a commit that creates a task."""

    db: Database
    clock: Clock
    policy: RetryPolicy
    wake: Callable[[], None]

    async def on_trade_state_updated(self, event: CloudEvent, order: TradeStateUpdated) -> None:
        """Create the messages for a trade state; any state but paid cancels the unsent messages about the stay. Each
        event takes effect once, in any order: a task exists once per order and kind, and the delivery reads the order
        again.
        """
        now = self.clock()
        planned = 0
        async with self.db.transaction() as tx:
            if not await inbox.first_time(tx, event):
                return
            if order.trade_state != PAID_ORDER:
                reason = f"the order is in state {order.trade_state} now"
                for task in await repository.lock_pending_of(tx, order.order_sn, STAY_KINDS):
                    await repository.move(tx, task, TaskState.CANCELLED, reason=reason, actor=event.source, now=now)
            if kinds := KINDS_BY_TRADE_STATE.get(order.trade_state):
                give_up_at = now + self.policy.give_up_after
                planned = await repository.add_tasks(
                    tx, order.order_sn, kinds, now=now, give_up_at=give_up_at, traceparent=current_traceparent()
                )
        log.info("trade state received", order_sn=order.order_sn, trade_state=order.trade_state, planned=planned)
        if planned:
            self.wake()

    async def on_refund_updated(self, event: CloudEvent, refund: RefundUpdated) -> None:
        """Create the message about a refund. Each event takes effect once, and another event about the same refund or
        request is the same task."""
        if (kind := KIND_BY_REFUND_STATE.get(refund.refund_state)) is None:
            return
        now = self.clock()
        moment = refund.changed_at.astimezone(UTC).isoformat()
        async with self.db.transaction() as tx:
            if not await inbox.first_time(tx, event):
                return
            planned = await repository.add_tasks(
                tx,
                refund.order_sn,
                [kind],
                now=now,
                give_up_at=now + self.policy.give_up_after,
                traceparent=current_traceparent(),
                subject=moment if kind is Kind.REFUND_ASKED else refund.payment_sn,
                facts=refund.model_dump(mode="json", by_alias=True),
            )
        log.info("refund update received", order_sn=refund.order_sn, refund_state=refund.refund_state, planned=planned)
        if planned:
            self.wake()
