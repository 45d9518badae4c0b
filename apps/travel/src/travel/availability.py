"""What is free, for lists and calendars: the host's dates, foreign calendars and the read model of taken nights together.
It may lag; only an order takes nights."""

from dataclasses import dataclass
from datetime import date, timedelta

from servicekit.clock import SHANGHAI, Clock
from servicekit.db import Database
from travel import night_repository, repository
from travel.errors import HomestayNotFound
from travel.free_nights import DAYS_AROUND, FreeNight, free_nights, nearest_stays
from travel.models import Homestay
from travel.night_prices import night_offers


@dataclass(kw_only=True, eq=False)
class Availability:
    db: Database
    clock: Clock

    async def month(self, homestay_id: int, first: date) -> tuple[Homestay, list[FreeNight]]:
        """The homestay and each night of the month that begins at `first`. Raises HomestayNotFound, also for one that is
        not on sale."""
        homestay, nights, is_on_sale = await self._nights(
            homestay_id, first, (first + timedelta(days=31)).replace(day=1)
        )
        if not is_on_sale:
            raise HomestayNotFound("not on sale", field="id")
        return homestay, nights

    async def free_stays(self, homestay_id: int, start: date, length: int, units: int) -> list[tuple[date, date]]:
        """Stays of `length` nights near `start` that are free: at most three, the nearest first. None of a homestay that is
        not on sale, or not sold for so many nights. Raises HomestayNotFound."""
        around = timedelta(days=DAYS_AROUND)
        homestay, nights, is_on_sale = await self._nights(
            homestay_id, start - around, start + around + timedelta(days=length)
        )
        if not is_on_sale or not homestay.min_nights <= length <= homestay.max_nights:
            return []
        last_start = self._today() + timedelta(days=homestay.days_ahead)
        return nearest_stays(nights, start, length, units, last_start=last_start)

    async def _nights(self, homestay_id: int, first: date, end: date) -> tuple[Homestay, list[FreeNight], bool]:
        async with self.db.read() as session:
            found = await repository.homestay_with_dates(session, homestay_id, first, end)
            if found is None:
                raise HomestayNotFound("no such homestay", field="id")
            taken = await night_repository.taken(session, homestay_id, first, end)
        homestay = found.homestay
        today = self._today()
        last = today + timedelta(days=homestay.days_ahead + homestay.max_nights - 1)
        offers = night_offers(homestay, found.settings, first, end, blocked=found.blocked)
        return homestay, free_nights(offers, taken, stock=homestay.stock, first=today, last=last), found.on_sale

    def _today(self) -> date:
        return self.clock().astimezone(SHANGHAI).date()
