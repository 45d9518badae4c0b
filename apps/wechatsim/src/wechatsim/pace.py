"""Requests a second, as documented for refunds: 150 that are in order, 6 that fail, 300 queries (facts §5).

Only a strict sandbox keeps them; they count real time, like the requests themselves.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from http import HTTPStatus

from wechatsim.errors import PayError

REFUNDS, FAILING, QUERIES = 150, 6, 300
_WINDOW_S = 1.0


class Pace:
    """What each merchant did within the last second."""

    def __init__(self, *, kept: bool) -> None:
        self._kept = kept
        self._done: dict[tuple[str, str], deque[float]] = defaultdict(deque)

    def note(self, mchid: str, what: str) -> None:
        """Count one."""
        if self._kept:
            self._done[mchid, what].append(time.monotonic())

    def check(self, mchid: str, what: str, limit: int) -> None:
        """Raise 429 FREQUENCY_LIMITED when `limit` was reached within the last second."""
        recent = self._done[mchid, what]
        while recent and recent[0] <= time.monotonic() - _WINDOW_S:
            recent.popleft()
        if len(recent) >= limit:
            raise PayError(HTTPStatus.TOO_MANY_REQUESTS, "FREQUENCY_LIMITED", "频率超限")
