"""The pause after a failed attempt, and when to give up. Pure: the numbers are settings (`NOTIFICATION_MAX_ATTEMPTS` …)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from servicekit.due import Backoff

JITTER = 0.25
"""Share of a pause by which it varies, so that messages that failed together are not retried together."""


@dataclass(frozen=True)
class RetryPolicy:
    """When a task is tried again: after the pauses of `backoff`, until `max_attempts` or `give_up_after`."""

    max_attempts: int
    give_up_after: timedelta
    backoff: Backoff

    def exhausted(self, tries: int, now: datetime, give_up_at: datetime) -> bool:
        return tries >= self.max_attempts or now >= give_up_at
