"""The sandbox clock: real time plus an offset that only grows.

Business times (expiry, success_time, retries, codes, bills) follow it. Timestamps that are checked against the
merchant's real clock within minutes stay real: of signatures (wechat-pay-v3.md §1.1, §1.2), of a phone number's watermark.
"""

from __future__ import annotations

import datetime as dt
import time

BEIJING = dt.timezone(dt.timedelta(hours=8))


class Clock:
    """`now()` is sandbox time, `real()` is wall time; both in seconds since 1970."""

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def now(self) -> float:
        return time.time() + self.offset

    def real(self) -> float:
        return time.time()

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("the clock only goes forward")
        self.offset += seconds


def beijing(at: float) -> dt.datetime:
    """`at` seconds as Beijing time, whole seconds."""
    return dt.datetime.fromtimestamp(int(at), BEIJING)


def rfc3339(at: float) -> str:
    """`at` as WeChat writes times: 2018-06-08T10:34:56+08:00."""
    return beijing(at).isoformat()
