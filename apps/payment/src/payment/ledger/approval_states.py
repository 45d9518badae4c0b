"""State machine of a refund that waits for a second operator. Pure: requester, decider and time go in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

VALID_FOR = timedelta(days=1)


class ApprovalState(StrEnum):
    WANTED = "wanted"
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"


class SameOperator(Exception):
    """Who asked cannot approve."""


class HasEnded(Exception):
    """Approved, declined or expired before."""


@dataclass(frozen=True)
class Wanted:
    """What a decision depends on."""

    state: ApprovalState
    requested_by: int
    expires_at: datetime


def current(wanted: Wanted, now: datetime) -> ApprovalState:
    """The state at `now`: a request that was not decided in time has expired, also before a row says so."""
    is_over = wanted.state is ApprovalState.WANTED and now >= wanted.expires_at
    return ApprovalState.EXPIRED if is_over else wanted.state


def approve(wanted: Wanted, operator_id: int, now: datetime) -> ApprovalState:
    """Raises HasEnded; SameOperator."""
    _require_open(wanted, now)
    if operator_id == wanted.requested_by:
        raise SameOperator
    return ApprovalState.APPROVED


def decline(wanted: Wanted, now: datetime) -> ApprovalState:
    """Anyone may decline, who asked too: that takes the request back. Raises HasEnded."""
    _require_open(wanted, now)
    return ApprovalState.DECLINED


def _require_open(wanted: Wanted, now: datetime) -> None:
    if (state := current(wanted, now)) is not ApprovalState.WANTED:
        raise HasEnded(state)
