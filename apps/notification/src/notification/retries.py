"""How long to wait after a failure, and when to give up. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class RetryPolicy:
    """Pauses double from `first_pause` to `longest_pause`; a task ends after `max_attempts` or `give_up_after`."""

    max_attempts: int = 25
    give_up_after: timedelta = timedelta(hours=24)
    first_pause: timedelta = timedelta(seconds=5)
    longest_pause: timedelta = timedelta(minutes=90)

    def pause(self, tries: int, spread: float) -> timedelta:
        """After failure number `tries`. `spread` in [0, 1) moves it by a quarter either way, so that what failed
        together does not come back together."""
        doubled = self.first_pause * (1 << min(tries - 1, 30))
        return min(self.longest_pause, doubled) * (0.75 + spread / 2)

    def exhausted(self, tries: int, now: datetime, give_up_at: datetime) -> bool:
        return tries >= self.max_attempts or now >= give_up_at
