"""The states of a request to become a host and of a photo, and what may follow what. Pure."""

from enum import StrEnum


class ApplicationState(StrEnum):
    WAITING = "waiting"
    """An operator has to decide."""
    APPROVED = "approved"
    """usercenter has not granted the role yet."""
    GRANTED = "granted"
    REFUSED = "refused"


MOVES: dict[ApplicationState, frozenset[ApplicationState]] = {
    ApplicationState.WAITING: frozenset({ApplicationState.APPROVED, ApplicationState.REFUSED}),
    ApplicationState.APPROVED: frozenset({ApplicationState.GRANTED, ApplicationState.REFUSED}),
    ApplicationState.GRANTED: frozenset(),
    ApplicationState.REFUSED: frozenset({ApplicationState.WAITING}),
}
"""An operator may still refuse one whose role usercenter has declined to grant; a refused user may apply again."""


def may_follow(current: str, target: ApplicationState) -> bool:
    return target in MOVES[ApplicationState(current)]


class PhotoState(StrEnum):
    """Each follows the one before; what was not written in time is removed."""

    WRITING = "writing"
    """Its files may not all be there: it is not shown."""
    STORED = "stored"
    REMOVED = "removed"
    """Its files are to be deleted."""
