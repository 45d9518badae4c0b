"""The injected clock: no use-case reads the system time itself."""

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
"""Where the nights are slept: dates of stays and bills are dates there."""

Clock = Callable[[], datetime]
"""Returns the current time, aware, UTC."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def unix(moment: datetime | None) -> int:
    """Whole seconds since the epoch; 0 for a moment that has not come, as the source system's clients expect."""
    return int(moment.timestamp()) if moment else 0


def utc_text(moment: datetime) -> str:
    """ISO 8601 in UTC, as in `2026-11-23T01:30:05.120000Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def from_unix(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
