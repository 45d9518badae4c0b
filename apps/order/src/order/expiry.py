"""What time does by itself: wishes that no merchant answered are agreed to, stays that nobody came to expire, and old
traces of requests are forgotten."""

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

    async def agree_unanswered(self) -> int:
        """Agree to refunds whose merchant had all of `answer_within` to answer. The end of the stay takes none of it away:
        until the refund is decided the order is held, and neither used nor expired. Answers how many."""
        opened_before = self.clock() - self.answer_within
        async with self.db.transaction() as tx:
            orders = await repository.claim_unanswered(tx, opened_before, self.batch)
            for order in orders:
                await self.refunds.agree(tx, order)
                log.info("the rule agrees, the merchant did not answer", sn=order.sn, asked_at=order.refund_opened_at)
        return len(orders)

    async def expire_due(self) -> int:
        """Expire stays whose noon after the last night has passed, unless money is or was to go back: an open refund holds
        them, and one that failed may be asked for again. Answers how many."""
        now = self.clock()
        async with self.db.transaction() as tx:
            orders = await repository.claim_expired(tx, pricing.last_day_over(now), self.batch)
            for order in orders:
                await lifecycle.move(tx, order, TradeState.EXPIRED, cause="not-used", now=now)
        return len(orders)

    async def delete_misses(self) -> None:
        """Drop last week's wrong codes."""
        async with self.db.transaction() as tx:
            await repository.delete_misses(tx, self.clock() - KEEP_MISSES)
