"""How long somebody has waited who should not: as metrics, for what wakes a person when cron does not get on."""

from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Gauge

from order import repository
from servicekit.clock import Clock
from servicekit.db import Database

WISHES = Gauge("order_refund_wishes_oldest_seconds", "Age of the oldest refund that its merchant has not answered")
CLOSINGS = Gauge("order_closings_oldest_seconds", "How long the oldest order that is being closed has been so")

FAILED_REFUNDS = Gauge("order_refunds_failed", "Refunds that failed and that nobody has asked for again")
FAILED_REFUNDS_AGE = Gauge("order_refunds_failed_oldest_seconds", "How long ago the oldest of them failed")


@dataclass(frozen=True)
class Waiting:
    db: Database
    clock: Clock

    async def measure(self) -> None:
        """0 where nobody waits."""
        async with self.db.read() as session:
            wish = await repository.oldest_unanswered(session)
            closing = await repository.oldest_closing(session)
            failed, failed_at = await repository.failed_refunds(session)
        WISHES.set(self._age(wish))
        CLOSINGS.set(self._age(closing))
        FAILED_REFUNDS.set(failed)
        FAILED_REFUNDS_AGE.set(self._age(failed_at))

    def _age(self, since: datetime | None) -> float:
        return 0.0 if since is None else max(0.0, (self.clock() - since).total_seconds())
