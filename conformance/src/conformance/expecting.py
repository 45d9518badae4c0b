"""What a case expects, and waits for. Everything here raises Unmet, whose text is the reason in the report."""

import time
from collections.abc import Callable, Collection
from typing import TypeVar

T = TypeVar("T")
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.2
"""Seconds. Asking more often takes processor time from what is waited for."""


class Unmet(Exception):
    """The app does not do what its contract says."""


def equal(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise Unmet(f"{what}: {_short(found)}, not {_short(wanted)}")


def one_of(found: object, wanted: Collection[object], what: str) -> None:
    if found not in wanted:
        raise Unmet(f"{what}: {_short(found)}, none of {_short(wanted)}")


def true(condition: object, what: str) -> None:
    if not condition:
        raise Unmet(what)


def eventually(question: Callable[[], T], wanted: Callable[[T], object], what: str, *, within: float = 20.0) -> T:
    """Ask until the answer is `wanted`; returns it. Unmet with the last answer after `within` seconds."""
    deadline = time.monotonic() + within
    pause = FIRST_PAUSE
    while not wanted(answer := question()):
        if time.monotonic() > deadline:
            raise Unmet(f"{what}: still {_short(answer)} after {within:.0f} s")
        time.sleep(pause)
        pause = min(1.3 * pause, LONGEST_PAUSE)
    return answer


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 160 else f"{text[:160]}…"
