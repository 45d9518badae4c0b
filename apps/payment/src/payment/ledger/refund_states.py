"""State machine of a refund: allowed transitions, and the effect of WeChat's statuses. Pure."""

from enum import StrEnum
from typing import Final


class RefundState(StrEnum):
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    SUCCEEDED = "succeeded"
    ABNORMAL = "abnormal"
    """WeChat could not return the money (the buyer's card is cancelled): an operator reroutes it. The state stays ABNORMAL
    until that succeeds or closes, since WeChat's status does not tell a second attempt from a repeated first one."""
    CLOSED = "closed"
    """This number will never move money: WeChat closed it, or refused it permanently."""


ALLOWED: Final = frozenset(
    {
        (RefundState.REQUESTED, RefundState.ACCEPTED),
        (RefundState.REQUESTED, RefundState.SUCCEEDED),
        (RefundState.REQUESTED, RefundState.ABNORMAL),
        (RefundState.REQUESTED, RefundState.CLOSED),
        (RefundState.ACCEPTED, RefundState.SUCCEEDED),
        (RefundState.ACCEPTED, RefundState.ABNORMAL),
        (RefundState.ACCEPTED, RefundState.CLOSED),
        (RefundState.ABNORMAL, RefundState.SUCCEEDED),
        (RefundState.ABNORMAL, RefundState.CLOSED),
    }
)

STATE_BY_WECHAT_STATUS: Final = {
    "PROCESSING": RefundState.ACCEPTED,
    "SUCCESS": RefundState.SUCCEEDED,
    "ABNORMAL": RefundState.ABNORMAL,
    "CLOSED": RefundState.CLOSED,
}
HOLDS_MONEY: Final = (RefundState.REQUESTED, RefundState.ACCEPTED, RefundState.SUCCEEDED, RefundState.ABNORMAL)
"""States that count against the payment's total; a closed refund releases its share."""
UNSETTLED: Final = (RefundState.REQUESTED, RefundState.ACCEPTED, RefundState.ABNORMAL)


class ContradictoryStatus(Exception):
    """WeChat reports another end for a refund that has ended: needs review."""


def next_state(current: RefundState, wechat_status: str) -> RefundState:
    """The state after WeChat reported `wechat_status`. Late, repeated and unknown statuses change nothing.

    Raises ContradictoryStatus.
    """
    following = STATE_BY_WECHAT_STATUS.get(wechat_status, current)
    if following is current or (current, following) in ALLOWED:
        return following
    if following in {RefundState.ACCEPTED, RefundState.ABNORMAL}:
        return current  # late: a newer status came first
    raise ContradictoryStatus(f"{current} → {following}")
