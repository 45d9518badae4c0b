"""Cancellation of background work: it ends promptly and in bounded time, whatever it was doing."""

import asyncio
from collections.abc import Collection

import structlog

from servicekit.error_texts import error_text

log = structlog.get_logger()

LONGEST_SECONDS = 12.0
"""More than a batch or a delivery on its way is given; what is not over then ends with the process."""


def stop_if_asked() -> None:
    """Called by loops that survive any fault, after each step. What a cancellation interrupts may end by a fault of its
    own (a database connection that breaks on the way out), which hides the cancellation, and it is not sent twice. Raises
    CancelledError."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def stop(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel them all, and wait until they are over."""
    if not tasks:
        return
    for task in tasks:
        task.cancel()
    over, late = await asyncio.wait(tasks, timeout=LONGEST_SECONDS)
    for task in late:
        log.error("work does not stop", work=task.get_name())
    for task in over:
        if not task.cancelled() and (error := task.exception()):
            log.error("work had ended by a fault", work=task.get_name(), error=error_text(error))
