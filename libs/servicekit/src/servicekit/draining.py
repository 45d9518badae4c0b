"""Graceful shutdown: after SIGTERM a service keeps serving until its own sidecar has stopped.

A stopping sidecar still accepts calls for a while, because its peers do not know yet. An app that stopped first would turn
each of them into an error. The sidecar ends when it has answered all; then no caller can reach the app any more.
"""

import asyncio
import contextlib
import signal
import time
from types import FrameType

import structlog
import uvicorn

from servicekit.crowd import Crowd

log = structlog.get_logger()

LOOK_EVERY = 0.1
TICKS_PER_SWEEP = 10  # of a tenth of a second each (uvicorn)
REFUSALS_IN_A_ROW = 2


class DrainingServer(uvicorn.Server):
    """A second signal, or SIGINT, ends it at once, as uvicorn does."""

    def __init__(
        self, config: uvicorn.Config, *, sidecar: tuple[str, int], longest_seconds: float, crowd: Crowd
    ) -> None:
        super().__init__(config)
        self._crowd = crowd
        self._sidecar, self._longest = sidecar, longest_seconds
        self._leaving = False
        self._drain: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM and not self._leaving:
            self._leaving = True
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        if self._leaving and self._drain is None:
            self._drain = asyncio.create_task(self._until_the_sidecar_is_gone())
        if counter % TICKS_PER_SWEEP == 0:
            self._crowd.sweep()
        return await super().on_tick(counter)

    async def _until_the_sidecar_is_gone(self) -> None:
        began = time.monotonic()
        log.info("asked to stop: serving until the sidecar is gone", longest_seconds=self._longest)
        refusals = 0
        while refusals < REFUSALS_IN_A_ROW and time.monotonic() - began < self._longest:
            refusals = refusals + 1 if await self._refuses() else 0
            await asyncio.sleep(LOOK_EVERY)
        log.info("stopping", after_seconds=round(time.monotonic() - began, 1), sidecar_gone=refusals > 0)
        self.should_exit = True

    async def _refuses(self) -> bool:
        """Whether the port is closed. A sidecar that is slow or frozen still counts as running."""
        try:
            async with asyncio.timeout(1):
                _, writer = await asyncio.open_connection(*self._sidecar)
        except TimeoutError:
            return False
        except OSError:
            return True
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return False
