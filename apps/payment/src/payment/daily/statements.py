"""A host's payout statements: by day and homestay, down to the orders, and as a table for a spreadsheet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from payment.daily import statement_repository as repository
from payment.daily.statement_repository import HomestayDay, OrderLine
from payment.errors import NoSuchPayout, PeriodTooLong
from servicekit.db import Database
from servicekit.errors import InvalidInput

MOST_DAYS = 366
MOST_ORDERS = 10_000
"""Of one response: as a table with long titles it still passes the sidecars, which take 4 MiB."""


@dataclass(kw_only=True, eq=False)
class Statements:
    db: Database

    async def page(
        self, host_id: int, homestay_id: int | None, *, below: date | None, days: int
    ) -> Sequence[HomestayDay]:
        """The newest `days` days before `below` with something in them, whole, newest first."""
        async with self.db.read() as session:
            found = await repository.days(session, host_id, homestay_id, below=below, limit=days)
            if not found:
                return []
            return await repository.homestay_days(session, host_id, homestay_id, found[-1], found[0])

    async def orders(self, host_id: int, homestay_id: int, day: date) -> Sequence[OrderLine]:
        """At most MOST_ORDERS. Raises NoSuchPayout, also for another host's."""
        async with self.db.read() as session:
            found = await repository.order_lines(session, host_id, homestay_id, day, day, most=MOST_ORDERS)
        if not found:
            raise NoSuchPayout("nothing was paid out for this homestay on this day", field="day")
        return found

    async def period(self, host_id: int, first: date, last: date) -> Sequence[OrderLine]:
        """Oldest first; both days belong to it. Raises InvalidInput for a period that ends before it begins,
        PeriodTooLong."""
        if last < first:
            raise InvalidInput("must not be before `from`", field="to")
        if last - first >= timedelta(days=MOST_DAYS):
            raise PeriodTooLong(f"at most {MOST_DAYS} days", field="to")
        async with self.db.read() as session:
            found = await repository.order_lines(session, host_id, None, first, last, most=MOST_ORDERS + 1)
        if len(found) > MOST_ORDERS:
            raise PeriodTooLong(f"at most {MOST_ORDERS} orders", field="to")
        return found
