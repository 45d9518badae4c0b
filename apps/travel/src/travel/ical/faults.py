"""What can be wrong with a foreign calendar, as its host is told: slugs of messages.toml."""

from enum import StrEnum


class Fault(StrEnum):
    UNREACHABLE = "calendar-unreachable"
    GONE = "calendar-gone"
    TOO_SLOW = "calendar-too-slow"
    TOO_LARGE = "calendar-too-large"
    REFUSED = "calendar-refused"
    """An address or a redirect that we do not follow."""
    UNREADABLE = "calendar-unreadable"
    PARTLY_UNREADABLE = "calendar-partly-unreadable"
    """Some event could not be read: what could be is blocked, and nothing is unblocked."""


class CalendarFailed(Exception):
    """A foreign calendar gives no nights now; `fault` is what its host reads, the text is for the log."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
