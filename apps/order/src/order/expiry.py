"""What the cron jobs do when a time limit ends: end refund requests that no merchant answered, expire unused stays,
delete old wrong check-in attempts."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from order import lifecycle, pricing, repository
from order.refunds import Refunds
from order.states import TradeState
from servicekit.clock import Clock
from servicekit.db import Database

log = structlog.get_logger()
KEEP_MISSES = timedelta(days=7)


@dataclass(kw_only=True, eq=False)
class Expiry:
    db: Database
    clock: Clock
    refunds: Refunds
    answer_within: timedelta
    batch: int

    async def end_unanswered(self) -> int:
        """End refund requests that are older than `answer_within`; returns how many. What the policy gives is agreed to,
        and where that is nothing the request lapses. The end of the stay does not shorten that time: an order with an
        open refund can be neither used nor expired."""
        opened_before = self.clock() - self.answer_within
        async with self.db.transaction() as tx:
            orders = await repository.claim_unanswered(tx, opened_before, self.batch)
            for order in orders:
                asked_at = order.refund_opened_at
                await self.refunds.end_unanswered(tx, order)
                log.info(
                    "the merchant did not answer", order_sn=order.sn, asked_at=asked_at, refund_state=order.refund_state
                )
        return len(orders)

    async def expire_due(self) -> int:
        """Expire unused orders after noon of the day of departure; returns how many. An order with an open refund does not
        expire, nor one whose refund failed: it may be requested again."""
        now = self.clock()
        async with self.db.transaction() as tx:
            orders = await repository.claim_expired(tx, pricing.last_day_over(now), self.batch)
            for order in orders:
                await lifecycle.move(tx, order, TradeState.EXPIRED, cause="not-used", now=now)
        return len(orders)

    async def delete_misses(self) -> None:
        """Delete wrong check-in attempts older than a week."""
        async with self.db.transaction() as tx:
            await repository.delete_misses(tx, self.clock() - KEEP_MISSES)
