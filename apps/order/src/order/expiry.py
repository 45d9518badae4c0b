"""What time does by itself: stays that nobody came to expire, and old traces of requests are forgotten."""

from datetime import timedelta

from order import lifecycle, pricing, repository
from order.states import TradeState
from servicekit.clock import Clock
from servicekit.db import Database

KEEP_MISSES = timedelta(days=7)


class Expiry:
    def __init__(self, db: Database, clock: Clock, *, batch: int) -> None:
        self._db, self._clock, self._batch = db, clock, batch

    async def expire_due(self) -> int:
        """Expire stays whose noon after the last night has passed, unless their refund is open. Answers how many."""
        now = self._clock()
        async with self._db.transaction() as tx:
            orders = await repository.claim_expired(tx, pricing.last_day_over(now), self._batch)
            for order in orders:
                await lifecycle.move(tx, order, TradeState.EXPIRED, cause="not-used", now=now)
        return len(orders)

    async def forget_misses(self) -> None:
        """Drop last week's wrong codes."""
        async with self._db.transaction() as tx:
            await repository.forget_misses(tx, self._clock() - KEEP_MISSES)
