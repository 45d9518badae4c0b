"""The pause after a failed attempt, and when to give up. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from servicekit.due import Backoff

JITTER = 0.25
BACKOFF = Backoff(first=timedelta(seconds=5), longest=timedelta(minutes=90), jitter=JITTER)


@dataclass(frozen=True)
class RetryPolicy:
    """When a task is tried again: after the pauses of `backoff`, until `max_attempts` or `give_up_after`."""

    max_attempts: int = 25
    give_up_after: timedelta = timedelta(hours=24)
    backoff: Backoff = BACKOFF

    def exhausted(self, tries: int, now: datetime, give_up_at: datetime) -> bool:
        return tries >= self.max_attempts or now >= give_up_at
