"""Wait for a condition, never for a guess."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
LONGEST_PAUSE = 0.1
"""Seconds. Asking more often takes processor time from what is waited for."""


def eventually(question: Callable[[], T | None], *, seconds: float = 20.0, what: str = "the condition") -> T:
    """Ask until the answer is true; AssertionError with the last answer when time is up."""
    deadline = time.monotonic() + seconds
    pause = 0.02
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds} s; last answer: {answer!r}")
        time.sleep(pause)
        pause = min(1.2 * pause, LONGEST_PAUSE)
