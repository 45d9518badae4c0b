"""What is done once a day, and again until it is through: beside the requests, woken by cron or by an operator."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

log = structlog.get_logger()
LOOK_AGAIN_SECONDS = 60.0


class Daily:
    """Runs its chores at every `wake`, and once a minute: each knows itself whether there is anything to do, and is safe
    beside itself on another replica."""

    def __init__(self, chores: Sequence[Callable[[], Awaitable[None]]]) -> None:
        self._chores = chores
        self._woken = asyncio.Event()

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        while True:
            for chore in self._chores:
                try:
                    await chore()
                except Exception as error:  # noqa: BLE001 - it comes again in a minute
                    log.warning("daily work must wait", reason=f"{type(error).__name__}: {error}"[:300])
            try:
                async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                continue
            self._woken.clear()
