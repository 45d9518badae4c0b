"""Handles together what arrives together: while one batch is under way, the next one gathers.

There is no timer: an item that comes alone is a batch of one and waits for nothing.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from servicekit.errors import Unavailable
from servicekit.telemetry import traces

I = TypeVar("I")  # noqa: E741 - an item
R = TypeVar("R")


class Collector(Generic[I, R]):
    """`handle` gets at most `batch` items, in the order of their arrival, and returns a result or an exception for each.

    One batch is under way at a time. At most `waiting` items queue for the next ones, and none is added while the first of
    them waits for longer than `longest_seconds`: `submit` refuses then. `name` says in traces what is done together.
    """

    def __init__(
        self,
        handle: Callable[[Sequence[I]], Awaitable[Sequence[R | Exception]]],
        *,
        name: str,
        batch: int = 256,
        waiting: int = 4096,
        longest_seconds: float = math.inf,
    ) -> None:
        self._handle, self._batch, self._most_waiting = handle, batch, waiting
        self._name = name
        self._longest = longest_seconds
        self._queue: deque[tuple[I, asyncio.Future[R], float, traces.SpanContext]] = deque()
        self._worker: asyncio.Task[None] | None = None

    def require_room(self) -> None:
        """Raises Unavailable when `submit` would. To be asked before an item is made at some cost."""
        if len(self._queue) >= self._most_waiting:
            raise Unavailable("too many wait to be handled", retry_after=1)
        if self._queue and time.monotonic() - self._queue[0][2] > self._longest:
            raise Unavailable("what waits to be handled waits too long", retry_after=1)

    async def submit(self, item: I) -> R:
        """The result for `item` once its batch is done. Raises Unavailable at once when there is no room, and whatever
        `handle` returned or raised for it. A caller that is cancelled does not take its item back."""
        self.require_room()
        result: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._queue.append((item, result, time.monotonic(), traces.current_context()))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(), name="collector")
        return await result

    async def _work(self) -> None:
        try:
            while self._queue:
                batch = [self._queue.popleft() for _ in range(min(self._batch, len(self._queue)))]
                with traces.batch(self._name, [context for *_, context in batch]):
                    await self._handle_batch([item for item, *_ in batch], [result for _, result, *_ in batch])
        finally:
            self._worker = None
            while self._queue:  # the worker was cancelled, with the loop or by mistake: no caller waits for ever,
                self._queue.popleft()[1].cancel()  # and an old entry must not close the door to the next ones

    async def _handle_batch(self, items: Sequence[I], results: Sequence[asyncio.Future[R]]) -> None:
        try:
            outcomes = await self._handle(items)
        except Exception as error:  # noqa: BLE001 - each caller gets it
            traces.fail_current(error)
            outcomes = [error] * len(items)
        except BaseException:  # the worker was cancelled with the loop: callers must not wait for ever
            for result in results:
                result.cancel()
            raise
        for result, outcome in zip(results, outcomes, strict=True):
            if result.done():  # its caller was cancelled
                continue
            if isinstance(outcome, Exception):
                result.set_exception(outcome)
            else:
                result.set_result(outcome)
