"""A clock that tests can put forward, or stop."""

from datetime import UTC, datetime, timedelta


class RunningClock:
    """The time, and ahead of it by whatever has passed in the test."""

    def __init__(self) -> None:
        self._ahead = timedelta()
        self._stopped_at: datetime | None = None

    def __call__(self) -> datetime:
        return (self._stopped_at or datetime.now(UTC)) + self._ahead

    def stop(self) -> None:
        """For tests of an exact limit: a slow machine moves it no more."""
        self._stopped_at = datetime.now(UTC)

    def pass_by(self, **span: float) -> None:
        self._ahead += timedelta(**span)
