"""Fetches the foreign calendars that are due and blocks the nights that they take.

A calendar that cannot be fetched or read keeps what it blocked and is retried; one that is read in part only adds. Blocks
count as soon as they are committed: a request to book that comes later is refused.
"""

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog

from servicekit.clock import SHANGHAI, Clock
from servicekit.db import Database
from servicekit.due import Backoff, side_by_side
from travel.ical import repository
from travel.ical.faults import CalendarFailed, Fault
from travel.ical.fetching import Fetched, Fetcher
from travel.ical.parsing import TakenNights, taken_nights
from travel.ical.repository import Claim
from travel.models import ForeignCalendar

log = structlog.get_logger()
FIRST_PAUSE = timedelta(minutes=1)
LEASE = timedelta(minutes=3)
"""Longer than a claimed one waits for the others of its batch and is fetched itself."""
TRUSTED_UNREAD = timedelta(days=1)
"""For so long a server that says "unchanged" is believed; nights come into view, and servers are wrong."""


@dataclass(kw_only=True, eq=False)
class CalendarSync:
    """`every`: how often a calendar is fetched. Of `batch` claimed ones `parallel` are fetched at once."""

    db: Database
    clock: Clock
    fetcher: Fetcher
    every: timedelta
    batch: int
    parallel: int

    async def fetch_due(self) -> int:
        """One run of the cron job. Returns how many were claimed."""
        async with self.db.transaction() as tx:
            claimed = await repository.claim(tx, self.clock(), LEASE, self.batch)
        await side_by_side(claimed, self._fetch, at_once=self.parallel, what="foreign calendar")
        return len(claimed)

    async def _fetch(self, claim: Claim) -> None:
        now = self.clock()
        is_recent = claim.read_at is not None and now - claim.read_at < TRUSTED_UNREAD
        try:
            fetched = await self.fetcher.fetch(claim.url, claim.etag if is_recent else None)
            taken = await _read(fetched, now.astimezone(SHANGHAI).date())
        except CalendarFailed as failure:
            log.warning("a foreign calendar keeps what it blocked", calendar=claim.id, reason=str(failure))
            await self._fail(claim, failure.fault)
        else:
            await self._settle(claim, fetched, taken)

    async def _settle(self, claim: Claim, fetched: Fetched, taken: TakenNights | None) -> None:
        """`taken` None: unchanged."""
        now = self.clock()
        async with self.db.transaction() as tx:
            calendar = await repository.lock_claimed(tx, claim)
            if calendar is None:
                return
            calendar.fetched_at, calendar.error = now, ""
            if taken is not None:
                await repository.block(tx, claim.id, taken.nights)
                if taken.is_complete:
                    await repository.unblock_all_but(tx, claim.id, taken.nights)
                    calendar.read_at, calendar.etag = now, fetched.etag
                else:
                    calendar.error, calendar.etag = Fault.PARTLY_UNREADABLE, None
            _done(calendar, now + self.every)

    async def _fail(self, claim: Claim, fault: Fault) -> None:
        async with self.db.transaction() as tx:
            calendar = await repository.lock_claimed(tx, claim)
            if calendar is not None:
                calendar.error = fault
                backoff = Backoff(FIRST_PAUSE, max(FIRST_PAUSE, self.every), jitter=0.1)
                calendar.release(self.clock() + backoff.pause(claim.tries))


async def _read(fetched: Fetched, today: date) -> TakenNights | None:
    """In a thread: a large calendar takes a second."""
    return None if fetched.content is None else await asyncio.to_thread(taken_nights, fetched.content, today)


def _done(calendar: ForeignCalendar, next_at: datetime) -> None:
    calendar.tries = 0
    calendar.release(next_at)
