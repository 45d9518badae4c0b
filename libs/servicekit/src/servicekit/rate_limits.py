"""Limits on requests by time, with the library `limits`, counted in this process: docs/decisions/0033-limits.md."""

import math
import time
from collections.abc import Callable

from cachetools import LRUCache
from limits import RateLimitItem, parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from servicekit.errors import TooManyRequests

MOST_COUNTS = 65_536
"""About 300 bytes each. Beyond it the least recently used are forgotten: a client with many keys displaces its own."""


class RateLimited(TooManyRequests):
    security_kind = "rate_limited"


class Counts(Storage):
    """Storage of `limits` for windows that begin with their first request. The library keeps all keys that it is shown, and
    reads them again and again. `clock` in unix seconds."""

    STORAGE_SCHEME = None

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._clock = clock
        self._windows: LRUCache[str, tuple[int, float]] = LRUCache(MOST_COUNTS)

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return ()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        now = self._clock()
        count, until = self._windows.get(key, (0, 0.0))
        if until <= now:
            count, until = 0, now + expiry
        self._windows[key] = count + amount, until
        return count + amount

    def get(self, key: str) -> int:
        count, until = self._windows.get(key, (0, 0.0))
        return count if until > self._clock() else 0

    def get_expiry(self, key: str) -> float:
        return self._windows.get(key, (0, self._clock()))[1]

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        count = len(self._windows)
        self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        self._windows.pop(key, None)


class RateLimit:
    """`rate` as the library reads it (`600/minute`), so many `times`; empty: none. Limits that share `counts` have names of
    their own."""

    def __init__(
        self, name: str, rate: str, counts: Counts, clock: Callable[[], float] = time.time, *, times: int = 1
    ) -> None:
        one = read(rate)
        self._name, self._clock = name, clock
        self._rate = one and type(one)(one.amount * times, one.multiples, one.namespace)
        self._limiter = FixedWindowRateLimiter(counts)

    def refusal(self, key: str) -> RateLimited | None:
        """Counts one more request of `key`; the problem where that is too many."""
        rate = self._rate
        if rate is None or self._limiter.hit(rate, self._name, key):
            return None
        until = self._limiter.get_window_stats(rate, self._name, key).reset_time
        return RateLimited(f"{self._name}: {rate}", retry_after=max(1, math.ceil(until - self._clock())))

    def take(self, key: str) -> None:
        """As `refusal`, raised."""
        if refusal := self.refusal(key):
            raise refusal


def read(rate: str) -> RateLimitItem | None:
    """Raises ValueError for what is no rate."""
    return parse(rate) if rate else None
