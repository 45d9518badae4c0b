"""Background workers that deliver due tasks in batches, a bounded number of tasks at a time.

They are woken by a commit that created a task, and by the cron job, which drives all retries. New messages have their
own worker, so that they never wait behind retries, however slow WeChat is.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from notification.claims import Claim
from servicekit.errors import DatabaseUnavailable
from servicekit.loop import Loop

log = structlog.get_logger()

PAUSE_SECONDS = 0.25
"""Least time between two batches that found free places left: what becomes due meanwhile shares the price of one."""
GRACE_SECONDS = 8.0
"""How long deliveries in progress may take after SIGTERM; those cancelled then are retried when their lease ends."""


@dataclass(kw_only=True, eq=False)
class Courier:
    """Runs until cancelled. `claim` leases due tasks; `deliver` makes one attempt for each and yields how many are done:
    first when its sends have begun, then whenever some have ended.

    One batch at a time is prepared: what becomes due meanwhile is the next batch. Sends of several batches overlap. A task
    that comes alone waits for nothing.
    """

    claim: Callable[[int], Awaitable[list[Claim]]]
    deliver: Callable[[Sequence[Claim]], AsyncIterator[int]]
    parallel: int
    pause_seconds: float = PAUSE_SECONDS
    grace_seconds: float = GRACE_SECONDS
    _loop: Loop = field(init=False)
    _claiming: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    _batches: set[asyncio.Task[None]] = field(init=False, default_factory=set)
    _under_way: int = field(init=False, default=0)
    _preparing: bool = field(init=False, default=False)
    _more: bool = field(init=False, default=False)
    _stopped: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._loop = Loop(self._round, name="courier", drain=self._finish)

    def wake(self) -> None:
        self._loop.wake()

    async def run(self) -> None:
        await self._loop.run()

    async def start_due(self) -> int:
        """Start delivering due tasks, as many as there are free places. Returns how many were claimed, without waiting
        for the deliveries."""
        async with self._claiming:
            room = 0 if self._preparing else self.parallel - self._under_way
            claims = await self.claim(room) if room > 0 else []
            self._more = len(claims) >= room
            if claims:
                self._under_way += len(claims)
                self._preparing = True
                batch = asyncio.create_task(self._deliver_batch(claims))
                self._batches.add(batch)
                batch.add_done_callback(self._batches.discard)
        return len(claims)

    async def idle(self) -> None:
        """Return when no wake-up is pending and no delivery in progress; for tests."""
        while (self._loop.is_woken and not self._stopped) or self._claiming.locked() or self._batches:
            if self._batches:
                await asyncio.wait(self._batches)
            await asyncio.sleep(0.002)

    async def _round(self) -> None:
        await self.start_due()
        if not self._more:
            await asyncio.sleep(self.pause_seconds)

    async def _deliver_batch(self, claims: Sequence[Claim]) -> None:
        left, begun = len(claims), False
        try:
            async for done in self.deliver(claims):
                left -= done
                self._free(done, prepared=not begun)
                begun = True
        except DatabaseUnavailable as error:
            log.warning("deliveries are retried when their lease ends", count=left, reason=str(error))
        except Exception:
            log.exception("deliveries failed", count=left)
        finally:
            self._free(left, prepared=not begun)

    def _free(self, places: int, *, prepared: bool) -> None:
        self._under_way -= places
        if prepared:
            self._preparing = False
        if self._more and (places or prepared):  # the last claim had no room for all: more may be due
            self.wake()

    async def _finish(self) -> None:
        self._stopped = True
        if self._batches:
            _, late = await asyncio.wait(self._batches, timeout=self.grace_seconds)
            for batch in late:
                batch.cancel()


@dataclass(frozen=True, kw_only=True)
class Couriers:
    """`fresh` claims tasks without an attempt, `waiting` any task that is due, the longest due first. Each has its own
    places; a row is leased by one of them."""

    fresh: Courier
    waiting: Courier

    def wake(self) -> None:
        """After a commit that created a task."""
        self.fresh.wake()

    async def start_due(self) -> int:
        """`Courier.start_due` of both; returns the sum."""
        return await self.fresh.start_due() + await self.waiting.start_due()

    async def idle(self) -> None:
        await self.fresh.idle()
        await self.waiting.idle()
