"""From an order's state to the messages that its guest is to get, or no longer."""

from collections.abc import Callable

import structlog

from notification import repository
from notification.events import OrderState
from notification.retries import RetryPolicy
from notification.states import OF_THE_STAY, PAID_ORDER, TOLD_AT, TaskState
from servicekit import inbox
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.events import CloudEvent
from servicekit.telemetry import current_traceparent

log = structlog.get_logger()


class Planning:
    """Turns events into tasks. `wake` is called after a commit that left something to send."""

    def __init__(self, db: Database, clock: Clock, policy: RetryPolicy, wake: Callable[[], None]) -> None:
        self._db, self._clock, self._policy, self._wake = db, clock, policy, wake

    async def follow(self, event: CloudEvent, order: OrderState) -> None:
        """Plan what the order's state is to be told of; any state after paid calls off what of the stay is not out.
        Each event once.

        Safe in any order of events: a task exists once per order and kind for good, and sending asks the order again.
        """
        now = self._clock()
        planned = 0
        async with self._db.transaction() as tx:
            if not await inbox.first_time(tx, event):
                return
            if order.trade_state != PAID_ORDER:
                reason = f"the order is in state {order.trade_state} now"
                for task in await repository.lock_pending_of(tx, order.order_sn, OF_THE_STAY):
                    await repository.move(tx, task, TaskState.CANCELLED, reason=reason, actor=event.source, now=now)
            if kinds := TOLD_AT.get(order.trade_state):
                give_up_at = now + self._policy.give_up_after
                planned = await repository.add_tasks(
                    tx, order.order_sn, kinds, now=now, give_up_at=give_up_at, traceparent=current_traceparent()
                )
        log.info("order state heard", order_sn=order.order_sn, trade_state=order.trade_state, planned=planned)
        if planned:
            self._wake()
