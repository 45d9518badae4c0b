"""The read model of taken nights, which order owns: kept by its events, in whatever order they come, and rebuilt from its
rows. It may lag; a sale asks order and never this."""

import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from servicekit import acts, inbox
from servicekit.clock import SHANGHAI, Clock
from servicekit.db import Database
from servicekit.events import CloudEvent, Received
from travel import night_repository
from travel.events import NightsUpdated
from travel.models import NightTaken
from travel.peers import OrderPeer

PAGE = 1000
COMMAND_LINE = 0
"""Operator id of acts from the command line; their note names the user."""
KEEP_DAYS = 7
"""How long a night that is over is kept, and asked for: a stay that began before it may still be changed."""


def first_kept(today: date) -> date:
    return today - timedelta(days=KEEP_DAYS)


@dataclass(kw_only=True, eq=False)
class TakenNights:
    db: Database
    clock: Clock
    orders: OrderPeer

    async def on_updated(self, event: CloudEvent, data: NightsUpdated) -> None:
        async with self.db.transaction() as tx:
            if await inbox.first_time(tx, event):
                await night_repository.keep_newer(tx, data.taken)

    async def on_updates(self, received: Sequence[Received[NightsUpdated]]) -> set[int]:
        """All of them in one transaction. Returns their positions."""
        async with self.db.arrays() as tx:
            known = await inbox.known(tx, [each.event for each in received])
            new = {
                (each.event.source, each.event.id): each
                for each in received
                if (each.event.source, each.event.id) not in known
            }
            if new:
                await inbox.record(tx, [each.event for each in new.values()])
                await night_repository.keep_newer(tx, [night for each in new.values() for night in each.data.taken])
        return set(range(len(received)))

    async def rebuild(self, *, by: str) -> int:
        """Take all nights from order again, whatever their version here, and forget those that order does not have. Returns
        how many. What is taken stays taken meanwhile. `by`, the user of the command line, goes into the audit. Raises
        PeerUnavailable: then the pages that were not read are as before, until their next event, the next comparison or
        another run. Events that come meanwhile are kept."""
        mark = -1 - secrets.randbelow(2**31 - 1)
        async with self.db.transaction() as tx:
            await night_repository.mark_all(tx, mark)
            await acts.record(tx, self.clock(), COMMAND_LINE, "rebuild-nights", "nights", note=by)
        count = 0
        async for page in self.pages():
            async with self.db.transaction() as tx:
                await night_repository.keep_newer(tx, page)
            count += len(page)
        async with self.db.transaction() as tx:
            await night_repository.forget_marked(tx, mark)
        return count

    async def pages(self, after: tuple[int, date] = night_repository.FIRST) -> AsyncIterator[list[NightTaken]]:
        """Order's nights after this homestay and night, as they are when each page is read, without those long over. Raises
        PeerUnavailable."""
        since = first_kept(self.clock().astimezone(SHANGHAI).date())
        while page := await self.orders.nights(since, after, PAGE):
            yield page
            if len(page) < PAGE:
                return
            after = (page[-1].homestay_id, page[-1].night)
