"""How busy a loop is, so that it handles few things at once without waiting and many things together."""

import math
import time
from collections.abc import Callable

WINDOW_SECONDS = 0.25


class Pace:
    """Counts what was handled in about the last `WINDOW_SECONDS`; older things fade out. `monotonic` in seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._now = monotonic
        self._count, self._counted_at = 0.0, monotonic()

    def add(self, count: int) -> None:
        self._count, self._counted_at = self._faded() + count, self._now()

    def per_second(self) -> float:
        return self._faded() / WINDOW_SECONDS

    def _faded(self) -> float:
        return self._count * math.exp((self._counted_at - self._now()) / WINDOW_SECONDS)
