"""Guests, one after another at a given rate, each with the fate that the seed gives it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from tests.chaos.client import Client
from tests.chaos.dice import dice
from tests.chaos.guest import Guest
from tests.chaos.journal import Journal

PLANS = {
    "pays": 5,
    "pays_twice_at_once": 1,
    "checks_in": 2,
    "refunds": 1,
    "refunds_a_part": 2,
    "asks_for_more": 1,
    "refund_decided": 2,
    "cancels_while_paying": 2,
    "cancels": 1,
    "pays_too_late": 1,
    "abandons": 1,
    "is_attacked": 1,
    "is_told_again": 1,
}
"""How many of each among twenty-one guests, in an order that the seed decides: a short run meets every fate as well."""
AT_ONCE = 24


class Load:
    """`run(seconds)` lets guests in; `finish(seconds)` lets those who are in end their business."""

    def __init__(
        self,
        seed: int,
        client: Client,
        journal: Journal,
        environment: dict[str, str],
        expire: Callable[[str], Awaitable[None]] | None,
        begin: Callable[[str], Awaitable[None]] | None,
        *,
        first: int = 1,
        plans: dict[str, int] | None = None,
    ) -> None:
        self._seed, self._client, self._journal = seed, client, journal
        self._environment, self._expire, self._begin = environment, expire, begin
        self._next = first
        self._plans = plans or PLANS
        self._fates: list[str] = []
        self._inside: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event, *, rate: float) -> None:
        pace = dice(self._seed, "pace")
        while not stop.is_set():
            if len(self._inside) < AT_ONCE:
                self.let_in()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pace.expovariate(rate))

    def let_in(self, patience: float = 90) -> None:
        number, self._next = self._next, self._next + 1
        rng = dice(self._seed, number)
        if not self._fates:
            self._fates = [plan for plan, times in self._plans.items() for _ in range(times)]
            dice(self._seed, f"fates from {number}").shuffle(self._fates)
        plan = self._fates.pop()
        guest = Guest(
            number, plan, self._client, self._journal, self._environment, self._expire, self._begin, rng, patience
        )
        task = asyncio.create_task(guest.live(), name=f"guest {number}")
        self._inside.add(task)
        task.add_done_callback(self._inside.discard)

    async def finish(self, seconds: float) -> None:
        """Who does not end in time goes home; the checker looks at what they left."""
        if self._inside:
            _, late = await asyncio.wait(set(self._inside), timeout=seconds)
            for task in late:
                self._journal.write("guest-sent-home", guest=task.get_name())
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
