"""Turns events of order into tasks: which messages to send, and which are out of date."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from notification import repository
from notification.events import RefundUpdated, TradeStateUpdated
from notification.repository import NewTask
from notification.retries import RetryPolicy
from notification.states import (
    KIND_BY_REFUND_STATE,
    KINDS_BY_TRADE_STATE,
    PAID_ORDER,
    SEVERAL_OF_A_PAYMENT,
    STAY_KINDS,
    TaskState,
)
from servicekit import inbox
from servicekit.clock import Clock
from servicekit.db import Database, Transaction
from servicekit.events import CloudEvent, Received
from servicekit.telemetry import traces

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
        async with self.db.transaction() as tx:
            if not await inbox.first_time(tx, event):
                return
            if order.trade_state != PAID_ORDER:
                reason = f"the order is in state {order.trade_state} now"
                for task in await repository.lock_pending_of(tx, order.order_sn, STAY_KINDS):
                    await repository.move(tx, task, TaskState.CANCELLED, reason=reason, actor=event.source, now=now)
            planned = await self._add(tx, _of_state(order, traces.current()), now)
        log.info("trade state received", order_sn=order.order_sn, trade_state=order.trade_state, planned=planned)
        if planned:
            self.wake()

    async def on_trade_states_updated(self, received: Sequence[Received[TradeStateUpdated]]) -> set[int]:
        """`on_trade_state_updated` for events of different orders, in one transaction. Returns the positions of those that
        are done; the others have messages to cancel."""
        now = self.clock()
        async with self.db.transaction() as tx:
            left = [each.data.order_sn for each in received if each.data.trade_state != PAID_ORDER]
            cancelling = await repository.orders_with_pending(tx, left, STAY_KINDS) if left else set()
            plain = {
                place: each
                for place, each in enumerate(received)
                if each.data.trade_state == PAID_ORDER or each.data.order_sn not in cancelling
            }
            events = [each.event for each in plain.values()]
            known = await inbox.known(tx, events)
            new = [each for each in plain.values() if (each.event.source, each.event.id) not in known]
            await inbox.record(tx, [each.event for each in new])
            tasks = [task for each in new for task in _of_state(each.data, each.event.trace)]
            planned = await self._add(tx, tasks, now)
        log.info("trade states received", count=len(plain), planned=planned)
        if planned:
            self.wake()
        return set(plain)

    async def on_refund_updated(self, event: CloudEvent, refund: RefundUpdated) -> None:
        """Create the message about a refund. Each event takes effect once, and another event about the same refund or
        request is the same task."""
        if (kind := KIND_BY_REFUND_STATE.get(refund.refund_state)) is None:
            return
        now = self.clock()
        # Not utc_text: the unique key of stored tasks ends in +00:00, and another text would make a second message.
        moment = refund.changed_at.astimezone(UTC).isoformat()
        task = NewTask(
            refund.order_sn,
            kind,
            traces.current(),
            subject=moment if refund.refund_state in SEVERAL_OF_A_PAYMENT else refund.payment_sn,
            facts=refund.model_dump(mode="json", by_alias=True),
        )
        async with self.db.transaction() as tx:
            if not await inbox.first_time(tx, event):
                return
            planned = await self._add(tx, [task], now)
        log.info("refund update received", order_sn=refund.order_sn, refund_state=refund.refund_state, planned=planned)
        if planned:
            self.wake()

    async def _add(self, tx: Transaction, tasks: Sequence[NewTask], now: datetime) -> int:
        return await repository.add_tasks(tx, tasks, now=now, give_up_at=now + self.policy.give_up_after)


def _of_state(order: TradeStateUpdated, trace: traces.TraceContext) -> list[NewTask]:
    kinds = KINDS_BY_TRADE_STATE.get(order.trade_state, ())
    return [NewTask(order.order_sn, kind, trace) for kind in kinds]
