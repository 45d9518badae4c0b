"""A clock that tests can put forward."""

from datetime import UTC, datetime, timedelta


class RunningClock:
    """The time, and ahead of it by whatever has passed in the test."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def pass_by(self, **span: float) -> None:
        self._ahead += timedelta(**span)
