"""What each homestay business earned on a day: stays that began, less refunds, less WeChat's fee. Never changed afterwards.

Each stay and each refund is an item that belongs to one record for good, so nothing is counted twice, however often a day
is settled, and by however many replicas; what is learned later becomes a record of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import structlog

from payment.daily import payout_repository as records
from payment.daily.days import report_oldest
from payment.errors import DayNotOver
from payment.models import PayoutRecord
from payment.peers import StayPeer
from servicekit import acts
from servicekit.clock import SHANGHAI, Clock
from servicekit.db import Database
from servicekit.errors import Unavailable

log = structlog.get_logger()


@dataclass(frozen=True)
class Payouts:
    """`fee_basis_points` is the merchant's rate at WeChat, in hundredths of a percent."""

    db: Database
    clock: Clock
    stays: StayPeer
    fee_basis_points: int

    def yesterday(self) -> date:
        return self.clock().astimezone(SHANGHAI).date() - timedelta(days=1)

    async def schedule_due_days(self) -> int:
        """Yesterday, and what was missed of the last 31 days. Answers how many days were added."""
        async with self.db.transaction() as tx:
            return await records.schedule_missed(tx, self.yesterday())

    async def measure(self) -> None:
        async with self.db.read() as session:
            report_oldest("payouts", await records.unfinished_days(session, self.yesterday()), self.clock())

    async def schedule(self, day: date, *, operator_id: int) -> None:
        """Settle a day, once more if it was already: what is new becomes records of their own. Raises DayNotOver."""
        if day > self.yesterday():
            raise DayNotOver(f"{day} is not over in Shanghai", field="date")
        async with self.db.transaction() as tx:
            await acts.record(tx, self.clock(), operator_id, "payout", f"day:{day}")
            await records.schedule_day(tx, day)

    async def run_scheduled(self) -> None:
        """The days that are wanted, the oldest first; what is wrong with one does not stop the others. Raises Unavailable:
        they stay wanted."""
        async with self.db.read() as session:
            days = await records.scheduled_days(session)
        for day in days:
            try:
                await self.run(day)
            except Unavailable:
                raise
            except Exception:
                log.exception("payouts of a day failed", day=str(day))

    async def run(self, day: date) -> int:
        """Take in what belongs to `day` and was not taken in before; answers how many records that made."""
        async for page in self.stays.used(day):
            async with self.db.transaction() as tx:
                taken = await records.take_stays(tx, page, day, self.fee_basis_points)
            if strangers := sorted({stay.order_sn for stay in page} - taken):
                log.error("stays without a known payment get no payout", day=str(day), orders=strangers[:20])
        async with self.db.transaction() as tx:
            await records.one_at_a_time(tx)
            await records.take_refunds(tx, day, self.fee_basis_points)
            made = await records.sum_up(tx, day, self.clock())
            await records.remember_day(tx, day, self.clock())
        log.info("payouts recorded", day=str(day), records=made)
        return made

    async def page(
        self, *, last_id: int, size: int, day: date | None, business_id: int | None
    ) -> Sequence[PayoutRecord]:
        """Newest first."""
        async with self.db.read() as session:
            return await records.page(session, below=last_id, size=size, day=day, business_id=business_id)
