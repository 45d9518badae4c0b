"""`eventually` for tests on the event loop."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any


async def eventually(question: Callable[[], Any], *, seconds: float = 10.0, what: str = "the condition") -> Any:
    """Ask, plainly or by awaiting, until the answer is true; AssertionError when time is up."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds} s")
        await asyncio.sleep(0.01)
