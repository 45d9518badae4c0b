"""A timeout that returns on time even when the cancelled work does not stop."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from servicekit.errors import Unavailable

T = TypeVar("T")
_ending: set[asyncio.Task[Any]] = set()


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns or raises. Raises Unavailable when it took longer than `seconds`.

    The work is cancelled but not awaited: closing a connection that does not respond takes time too.
    """
    task = asyncio.create_task(work)
    _ending.add(task)  # the loop itself holds tasks only weakly
    task.add_done_callback(_ended)
    try:
        await asyncio.wait([task], timeout=seconds)
        if task.done():
            return task.result()
    finally:
        task.cancel()
    raise Unavailable(f"no result within {seconds:g} s")


def _ended(task: asyncio.Task[Any]) -> None:
    _ending.discard(task)
    if not task.cancelled():
        task.exception()  # seen: what comes after the deadline has no reader
