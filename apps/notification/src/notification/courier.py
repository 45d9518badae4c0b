"""Background workers that deliver due tasks, a bounded number at a time.

They are woken by a commit that created a task, and by the cron job, which drives all retries. New messages have their
own worker, so that they never wait behind retries, however slow WeChat is.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from notification.attempts import Claim
from servicekit.errors import DatabaseUnavailable
from servicekit.loop import Loop

log = structlog.get_logger()

GRACE_SECONDS = 8.0
"""How long deliveries in progress may take after SIGTERM; those cancelled then are retried when their lease ends."""


@dataclass(kw_only=True, eq=False)
class Courier:
    """Runs until cancelled. `claim` leases due tasks, `deliver` makes one attempt for a task."""

    claim: Callable[[int], Awaitable[list[Claim]]]
    deliver: Callable[[Claim], Awaitable[None]]
    parallel: int
    grace_seconds: float = GRACE_SECONDS
    _loop: Loop = field(init=False)
    _claiming: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    _under_way: set[asyncio.Task[None]] = field(init=False, default_factory=set)
    _more: bool = field(init=False, default=False)
    _stopped: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._loop = Loop(self.start_due, name="courier", drain=self._finish)

    def wake(self) -> None:
        self._loop.wake()

    async def run(self) -> None:
        await self._loop.run()

    async def start_due(self) -> int:
        """Start delivering due tasks, as many as there are free places. Returns how many were claimed, without waiting
        for the deliveries."""
        async with self._claiming:
            room = self.parallel - len(self._under_way)
            claims = await self.claim(room) if room > 0 else []
            self._more = len(claims) >= room
            for claim in claims:
                delivery = asyncio.create_task(self._deliver_one(claim))
                self._under_way.add(delivery)
                delivery.add_done_callback(self._finished)
        return len(claims)

    async def idle(self) -> None:
        """Return when no wake-up is pending and no delivery in progress; for tests."""
        while (self._loop.is_woken and not self._stopped) or self._claiming.locked() or self._under_way:
            if self._under_way:
                await asyncio.wait(self._under_way)
            await asyncio.sleep(0)

    async def _deliver_one(self, claim: Claim) -> None:
        try:
            await self.deliver(claim)
        except DatabaseUnavailable as error:
            log.warning(
                "delivery is retried when its lease ends", order_sn=claim.order_sn, kind=claim.kind, reason=str(error)
            )
        except Exception:
            log.exception("delivery failed", order_sn=claim.order_sn, kind=claim.kind)

    async def _finish(self) -> None:
        self._stopped = True
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=self.grace_seconds)
            for delivery in late:
                delivery.cancel()

    def _finished(self, delivery: asyncio.Task[None]) -> None:
        self._under_way.discard(delivery)
        if self._more:  # the last claim used all free places: more may be due
            self.wake()


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
