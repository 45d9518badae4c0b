"""Publishes a homestay's own calendar to any client that has its secret address.

What was imported is not published again: two platforms that import each other would block a night for each other for ever.
"""

from dataclasses import dataclass
from datetime import timedelta

from servicekit.clock import SHANGHAI, Clock
from servicekit.db import Database
from travel.errors import CalendarNotFound
from travel.ical import repository
from travel.ical.export import calendar_of

DAYS_PUBLISHED = 730


@dataclass(kw_only=True, eq=False)
class CalendarExport:
    db: Database
    clock: Clock

    async def of_secret(self, secret: str) -> bytes:
        """The nights from today on that are sold out (as far as the read model knows, which may lag by seconds) or closed
        by the host. Raises CalendarNotFound, for a secret that was renewed too."""
        today = self.clock().astimezone(SHANGHAI).date()
        async with self.db.read() as session:
            homestay = await repository.homestay_of_secret(session, secret)
            if homestay is None:
                raise CalendarNotFound("no calendar has this address", field="secret")
            nights = await repository.unavailable(session, homestay, today, today + timedelta(days=DAYS_PUBLISHED))
        return calendar_of(homestay.id, nights, today)
