"""Payouts due to homestay businesses per day: orders checked in that day, and cancelled ones of which a part is kept, less
refunds, less WeChat's fee. Records are immutable. A cancelled order counts as a stay with its whole price, and what went
back as a refund: the kept part is the difference.

Each stay and each refund is an item that belongs to exactly one record, so nothing is counted twice, however often and on
however many replicas a day runs; what is learned later becomes a further record.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import structlog

from payment.daily import payout_repository as repository
from payment.daily.days import report_oldest, yesterday
from payment.daily.payout_repository import PayoutSums
from payment.errors import DayNotOver
from payment.models import PayoutRecord
from payment.peers import OrderPeer
from servicekit import acts
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.errors import Unavailable

log = structlog.get_logger()


@dataclass(kw_only=True, eq=False)
class Payouts:
    """`fee_basis_points` is the merchant's rate at WeChat, in hundredths of a percent."""

    db: Database
    clock: Clock
    orders: OrderPeer
    fee_basis_points: int

    def yesterday(self) -> date:
        return yesterday(self.clock())

    async def schedule_due_days(self) -> int:
        """Schedule yesterday and the missing days of the last 31; returns how many days were added."""
        async with self.db.transaction() as tx:
            return await repository.schedule_missed(tx, self.yesterday())

    async def measure(self) -> None:
        async with self.db.read() as session:
            report_oldest("payouts", await repository.unfinished_days(session, self.yesterday()), self.clock())

    async def schedule(self, day: date, *, operator_id: int, note: str) -> None:
        """Schedule a day, also one that is done: what is new becomes further records. Raises DayNotOver."""
        if day > self.yesterday():
            raise DayNotOver(f"{day} is not over in Shanghai", field="date")
        async with self.db.transaction() as tx:
            await repository.schedule_day(tx, day)
            await acts.record(tx, self.clock(), operator_id, "payout", f"day:{day}", note=note)

    async def run_scheduled(self) -> None:
        """Run the scheduled days, oldest first; a failure of one does not stop the others. Raises Unavailable: the days
        stay scheduled."""
        async with self.db.read() as session:
            days = await repository.scheduled_days(session)
        for day in days:
            try:
                await self.run(day)
            except Unavailable:
                raise
            except Exception:
                log.exception("payouts of a day failed", day=str(day))

    async def run(self, day: date) -> int:
        """Record what belongs to `day` and is in no record yet; returns how many records were added."""
        async for page in self.orders.due(day):
            async with self.db.transaction() as tx:
                taken = await repository.take_stays(tx, page, day, self.fee_basis_points)
            if unknown := sorted({stay.order_sn for stay in page} - taken):
                log.error("stays without a known payment get no payout", day=str(day), orders=unknown[:20])
        async with self.db.transaction() as tx:
            await repository.one_at_a_time(tx)
            await repository.take_refunds(tx, day, self.fee_basis_points)
            made = await repository.sum_up(tx, day, self.clock())
            await repository.remember_day(tx, day, self.clock())
        log.info("payouts recorded", day=str(day), records=made)
        return made

    async def page(
        self, *, last_id: int, size: int, day: date | None, business_id: int | None, host_id: int | None
    ) -> Sequence[tuple[PayoutRecord, Sequence[int]]]:
        """Newest first: (record, ids of the hosts whose stays it sums up)."""
        async with self.db.read() as session:
            found = await repository.page(
                session, below=last_id, size=size, day=day, business_id=business_id, host_id=host_id
            )
            hosts = await repository.hosts_of(session, [record.id for record in found])
        return [(record, hosts.get(record.id, ())) for record in found]

    async def days(self, *, before: date | None, size: int) -> Sequence[PayoutSums]:
        """Newest day first."""
        async with self.db.read() as session:
            return await repository.days(session, before=before, size=size)
