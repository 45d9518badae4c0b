"""Background work of a service: one loop that runs its steps until it is cancelled, whatever fails in one of them."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from servicekit.error_texts import error_text
from servicekit.stopping import stop_if_asked

log = structlog.get_logger()

Step = Callable[[], Awaitable[object]]
"""One piece of work. It must be safe beside itself on another replica."""


class Loop:
    """Runs `steps` in order after each `wake()`, and every `every_seconds` where that is given.

    With a period the first round begins after `first_after_seconds`, without one it waits for the first wake-up. A step
    that raises is logged and stops neither the other steps nor the next round. `drain` runs once when the loop is
    cancelled, to finish work in progress; it must bound its own time.
    """

    def __init__(
        self,
        *steps: Step,
        name: str,
        every_seconds: float | None = None,
        first_after_seconds: float = 0.0,
        drain: Step | None = None,
    ) -> None:
        self._steps, self._name, self._every, self._drain = steps, name, every_seconds, drain
        self._first_after = first_after_seconds
        self._woken = asyncio.Event()

    @property
    def is_woken(self) -> bool:
        """Whether a wake-up has come that no round has taken yet."""
        return self._woken.is_set()

    def wake(self) -> None:
        """Ask for a round. Many wake-ups during one round make one more."""
        self._woken.set()

    async def run(self) -> None:
        """Returns never; ends by CancelledError alone."""
        if task := asyncio.current_task():
            task.set_name(self._name)
        try:
            await self._wait(None if self._every is None else self._first_after)
            while True:
                self._woken.clear()
                for step in self._steps:
                    await self._attempt(step)
                await self._wait(self._every)
        finally:
            if self._drain is not None:
                await self._drain()

    async def _attempt(self, step: Step) -> None:
        try:
            await step()
        except Exception as error:  # noqa: BLE001 - a fault must not end the loop: the next round tries again
            log.warning("background work failed", work=self._name, error=error_text(error))
        stop_if_asked()  # the step may have turned our cancellation into a fault of its own

    async def _wait(self, seconds: float | None) -> None:
        """Until woken, or for so long; None: until woken."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return
