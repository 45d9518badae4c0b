"""Compares the read model of taken nights with order's rows once a day, and repairs it: what differs was lost somewhere.
The first comparison of a database fills it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

import structlog
from prometheus_client import Counter

from servicekit.clock import SHANGHAI, Clock
from servicekit.db import Database
from servicekit.due import Backoff
from servicekit.errors import Unavailable
from travel import night_repository
from travel.models import NightTaken
from travel.night_repository import Progress
from travel.taken_nights import PAGE, TakenNights, first_kept

log = structlog.get_logger()
REPAIRED = Counter(
    "travel_nights_repaired_total", "Nights of the read model that differed from order's and were repaired"
)

AT = time(4, 30)
"""In Shanghai, when the fewest nights are sold."""
PAGES_AT_ONCE = 50
"""How much one tick compares; the next one goes on from there."""
LEASE = timedelta(minutes=5)
RETRY = Backoff(timedelta(minutes=1), timedelta(minutes=30))


def next_time(now: datetime) -> datetime:
    there = now.astimezone(SHANGHAI)
    today = datetime.combine(there.date(), AT, SHANGHAI)
    return today if there < today else today + timedelta(days=1)


@dataclass(kw_only=True, eq=False)
class NightComparing:
    db: Database
    clock: Clock
    nights: TakenNights
    settle_seconds: float
    """How long an event may take to arrive: a night that is behind for less does not differ."""
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def compare_due(self) -> int:
        """Compare the next nights if that is due and no other replica does. Returns 1, or 0 when nothing was due."""
        async with self.db.transaction() as tx:
            progress = await night_repository.claim_comparison(tx, self.clock(), LEASE)
        if progress is None:
            return 0
        try:
            reached = await self._compare(progress)
        except Unavailable as error:
            log.warning("nights are compared later", reason=str(error))
            async with self.db.transaction() as tx:
                await night_repository.postpone_comparison(tx, self.clock() + RETRY.pause(progress.tries))
            return 1
        now = self.clock()
        async with self.db.transaction() as tx:
            if reached.is_at_end:
                await night_repository.end_comparison(tx, now, next_time(now))
                await night_repository.forget_before(tx, first_kept(now.astimezone(SHANGHAI).date()))
            else:
                await night_repository.continue_comparison(tx, reached, now)
        if reached.is_at_end:
            log.info("nights are compared", repaired=reached.repaired)
        return 1

    async def _compare(self, progress: Progress) -> Progress:
        pages, behind, last = 0, [], progress.after
        is_at_end = True
        async for page in self.nights.pages(progress.after):
            async with self.db.read() as session:
                behind += await night_repository.behind(session, page)
            pages, last = pages + 1, (page[-1].homestay_id, page[-1].night)
            if pages == PAGES_AT_ONCE:
                is_at_end = len(page) < PAGE
                break
        repaired = await self._repair(behind, is_first=progress.is_first) if behind else 0
        return replace(progress, after=last, repaired=progress.repaired + repaired, is_at_end=is_at_end)

    async def _repair(self, behind: list[NightTaken], *, is_first: bool) -> int:
        if not is_first:
            await self.pause(self.settle_seconds)
        async with self.db.transaction() as tx:
            still_behind = await night_repository.behind(tx, behind)
            if still_behind:
                await night_repository.keep_newer(tx, still_behind)
        if still_behind and not is_first:
            REPAIRED.inc(len(still_behind))
            log.error("nights differed from order's", count=len(still_behind), first=str(still_behind[0]))
        return len(still_behind)
