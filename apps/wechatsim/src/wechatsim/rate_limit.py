"""Requests per second, counted in real time like the requests themselves. Only a strict sandbox enforces them."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from http import HTTPStatus

from wechatsim.errors import PayError

_WINDOW_S = 1.0


class RateLimiter:
    """What each merchant did within the last second."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._recent: dict[tuple[str, str], deque[float]] = defaultdict(deque)

    def count(self, mchid: str, operation: str) -> None:
        if self._enabled:
            self._recent[mchid, operation].append(time.monotonic())

    def check(self, mchid: str, operation: str, limit: int) -> None:
        """Raise 429 FREQUENCY_LIMITED when `limit` was reached within the last second."""
        recent = self._recent[mchid, operation]
        while recent and recent[0] <= time.monotonic() - _WINDOW_S:
            recent.popleft()
        if len(recent) >= limit:
            raise PayError(HTTPStatus.TOO_MANY_REQUESTS, "FREQUENCY_LIMITED", "频率超限")
